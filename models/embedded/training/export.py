"""Packs trained weights as the project ships them: a GGUF file with Q8_0 matrices, the tokenizer, and the words it has met.

    python export.py DIR OUT          # needs the Python packages torch, safetensors and gguf
"""

import collections
import json
import os
import random
import re
import shutil
import sys

import gguf
import numpy
from safetensors.torch import load_file

import tasks

PARTS = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
OTHERS = {"embed_tokens": "token_embd", "norm": "output_norm"}
SEEN_TASKS, SEEN_TIMES = 40000, 12


def gguf_name(name):
    name = name.removeprefix("model.").removesuffix(".weight")
    layer = re.fullmatch(r"layers\.(\d+)\.(.+)", name)
    return (f"blk.{layer[1]}.{PARTS[layer[2]]}" if layer else OTHERS[name]) + ".weight"


def write_weights(folder, out):
    config = json.load(open(f"{folder}/config.json"))
    writer = gguf.GGUFWriter(out, "qwen3")
    writer.add_name("codeagent embedded")
    writer.add_license("MIT OR Apache-2.0")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_eos_token_id(config["eos_token_id"])
    for file in sorted(f for f in os.listdir(folder) if f.endswith(".safetensors")):
        for name, weight in load_file(f"{folder}/{file}").items():
            weight = weight.float().numpy()
            if weight.ndim == 2:
                kind = gguf.GGMLQuantizationType.Q8_0
                writer.add_tensor(gguf_name(name), gguf.quants.quantize(weight, kind), raw_dtype=kind)
            else:
                writer.add_tensor(gguf_name(name), weight.astype(numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def words():
    """The words that training statements are made of."""
    dice, counts = random.Random("words"), collections.Counter()
    for _ in range(SEEN_TASKS):
        counts.update(set(re.findall(r"[a-z]+", tasks.make(dice).says.lower())))
    return sorted(w for w, n in counts.items() if n >= SEEN_TIMES and len(w) > 1)


def main():
    folder, out = sys.argv[1:]
    write_weights(folder, f"{out}/model.gguf")
    shutil.copy(f"{folder}/tokenizer.json", f"{out}/tokenizer.json")
    with open(f"{out}/words.txt", "w") as file:
        file.write("\n".join(words()) + "\n")


if __name__ == "__main__":
    main()
