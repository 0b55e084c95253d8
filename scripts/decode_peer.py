"""What other people's decoders take, and the weights to compare with. Called by `bench-decode-peers` with its interpreter.

    decode_peer.py make SHAPE FOLDER EMBEDDED.gguf    writes weights
    decode_peer.py llama FILE.gguf ROWS               prints tokens per second of llama.cpp
    decode_peer.py transformers FOLDER ROWS           prints tokens per second of transformers
"""

import ctypes
import json
import os
import pathlib
import shutil
import sys
import time

PROMPT, DRAWN, CONTINUATIONS = 256, 64, 16
THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
SHAPES = {
    # Qwen2.5-Coder-0.5B's.
    "half-billion": dict(hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14,
                         num_key_value_heads=2, vocab_size=151936),
    # All sizes multiples of 256, as the tiles of quantised weights want them.
    "round": dict(hidden_size=1024, intermediate_size=2816, num_hidden_layers=24, num_attention_heads=16,
                  num_key_value_heads=4, vocab_size=32000),
}  # fmt: skip
ALPHABET = [*range(33, 127), *range(161, 173), *range(174, 256)]


def main():
    verb, *arguments = sys.argv[1:]
    match verb:
        case "make":
            shape, folder, embedded = arguments
            make(shape, pathlib.Path(folder), embedded)
        case "llama":
            print(json.dumps(llama(arguments[0], rows_of(arguments[1]))))
        case "transformers":
            print(json.dumps(transformers(arguments[0], rows_of(arguments[1]))))


def rows_of(text):
    return [int(rows) for rows in text.split(",")]


def prompt(vocab):
    return [(index * 7919 + 104729 + 13) % vocab for index in range(PROMPT)]


def tokens_per_s(count, run):
    start = time.perf_counter()
    run()
    return count / (time.perf_counter() - start)


# Weights


def make(shape, folder, embedded):
    """Weights of a shape in all forms; left half-made nowhere."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    if shape == "embedded":
        vocab = copy_without_vocabulary(embedded, partial / "q8_0.gguf")
    else:
        vocab = SHAPES[shape]["vocab_size"]
        make_folder(SHAPES[shape], partial)
        write_gguf(SHAPES[shape], partial)
        for name, kind in (("q8_0", 7), ("q4_k_m", 15)):
            quantise(partial / "f32.gguf", partial / f"{name}.gguf", kind)
    (partial / "tokenizer.json").write_text(tokenizer(vocab))
    partial.rename(folder)


def tokenizer(size):
    """Bytes, and as many words as the weights have numbers for: the figures need no text."""
    extra = iter(range(256, 512))
    characters = [chr(byte if byte in ALPHABET else next(extra)) for byte in range(256)]
    vocab = {character: byte for byte, character in enumerate(characters)} | {"ab": 256}
    vocab |= {f"word{token}": token for token in range(257, size)}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    model = {"type": "BPE", "vocab": vocab, "merges": ["a b"]}
    return json.dumps({"version": "1.0", "added_tokens": [], "pre_tokenizer": level, "decoder": level, "model": model})


def make_folder(shape, folder):
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(7)
    config = Qwen2Config(**shape, max_position_embeddings=2048, tie_word_embeddings=True, eos_token_id=None, bos_token_id=None)
    Qwen2ForCausalLM(config).save_pretrained(folder)


def write_gguf(shape, folder):
    from gguf import GGMLQuantizationType, GGUFWriter
    from safetensors.numpy import load_file

    writer = GGUFWriter(folder / "f32.gguf", "qwen2")
    writer.add_context_length(2048)
    writer.add_embedding_length(shape["hidden_size"])
    writer.add_block_count(shape["num_hidden_layers"])
    writer.add_feed_forward_length(shape["intermediate_size"])
    writer.add_head_count(shape["num_attention_heads"])
    writer.add_head_count_kv(shape["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(shape["vocab_size"])
    writer.add_tokenizer_model("none")
    for name, tensor in load_file(folder / "model.safetensors").items():
        writer.add_tensor(gguf_name(name), tensor, raw_dtype=GGMLQuantizationType.F32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gguf_name(name):
    parts = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "model.layers": "blk",
             "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
             "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
             "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}  # fmt: skip
    for ours, theirs in parts.items():
        name = name.replace(ours, theirs)
    return name


def quantise(source, target, kind):
    import llama_cpp

    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype, options.nthread = kind, THREADS
    if llama_cpp.llama_model_quantize(os.fsencode(source), os.fsencode(target), ctypes.byref(options)) != 0:
        sys.exit(f"llama.cpp could not quantise {source}")


def copy_without_vocabulary(source, target):
    """The same model with what llama.cpp asks of a file whose vocabulary lies elsewhere; the size of the vocabulary."""
    from gguf import GGUFReader, GGUFValueType, GGUFWriter

    reader = GGUFReader(source)
    writer = GGUFWriter(target, reader.fields["general.architecture"].contents())
    for key, field in reader.fields.items():
        if key.startswith(("GGUF.", "tokenizer.")) or key == "general.architecture":
            continue
        if field.types[0] != GGUFValueType.ARRAY:
            writer.add_key_value(key, field.contents(), field.types[0])
    vocab = next(int(tensor.shape[1]) for tensor in reader.tensors if tensor.name == "token_embd.weight")
    writer.add_vocab_size(vocab)
    writer.add_tokenizer_model("none")
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return vocab


# Peers


def llama(path, rows_list):
    import llama_cpp as lib

    lib.llama_backend_init()
    model = lib.llama_model_load_from_file(os.fsencode(path), lib.llama_model_default_params())
    options = lib.llama_context_default_params()
    options.n_ctx, options.n_batch, options.n_ubatch = 4096, 2048, 512
    options.n_seq_max, options.kv_unified = max(max(rows_list), CONTINUATIONS) + 1, True
    options.n_threads = options.n_threads_batch = THREADS
    context = lib.llama_init_from_model(model, options)
    memory = lib.llama_get_memory(context)
    vocab = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
    batch = lib.llama_batch_init(2048, 0, 1)

    def decode(tokens, wanted):
        """Reads (token, position, sequence); logits of those that are wanted."""
        for index, (token, position, sequence) in enumerate(tokens):
            batch.token[index], batch.pos[index] = token, position
            batch.n_seq_id[index], batch.seq_id[index][0] = 1, sequence
            batch.logits[index] = wanted(index)
        batch.n_tokens = len(tokens)
        if lib.llama_decode(context, batch) != 0:
            sys.exit("llama.cpp could not decode")
        lib.llama_synchronize(context)

    def read():
        lib.llama_memory_clear(memory, True)
        tokens = [(token, position, 0) for position, token in enumerate(prompt(vocab))]
        decode(tokens, lambda index: index == len(tokens) - 1)

    def draw(rows):
        for step in range(DRAWN):
            tokens = [((step * 31 + row) % vocab, PROMPT + step, row) for row in range(rows)]
            decode(tokens, lambda _: True)

    def score():
        for first in range(0, CONTINUATIONS, 8):
            tokens = [
                ((position * 31 + row) % vocab, PROMPT + position, row)
                for row in range(first, first + 8)
                for position in range(DRAWN)
            ]
            decode(tokens, lambda _: True)

    def behind_the_prompt(rows):
        read()
        for row in range(1, rows):
            lib.llama_memory_seq_cp(memory, 0, row, -1, -1)

    read()
    figures = {"prefill": tokens_per_s(PROMPT, read)}
    for rows in rows_list:
        behind_the_prompt(rows)
        figures[f"decode_{rows}"] = tokens_per_s(rows * DRAWN, lambda: draw(rows))
    behind_the_prompt(CONTINUATIONS)
    figures[f"score_{CONTINUATIONS}"] = tokens_per_s(CONTINUATIONS * DRAWN, score)
    return figures


def transformers(folder, rows_list):
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(THREADS)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    vocab = model.config.vocab_size
    ids = torch.tensor([prompt(vocab)])

    def read():
        return model(ids, use_cache=True, logits_to_keep=1).past_key_values

    def draw(rows, cache):
        tokens = torch.arange(rows).unsqueeze(1)
        for _ in range(DRAWN):
            logits = model(tokens, past_key_values=cache, use_cache=True).logits
            tokens = logits[:, -1].argmax(-1, keepdim=True)

    def score():
        behind = (torch.arange(CONTINUATIONS * DRAWN).reshape(CONTINUATIONS, DRAWN) * 31) % vocab
        whole = torch.cat([ids.expand(CONTINUATIONS, -1), behind], 1)
        for first in range(0, CONTINUATIONS, 8):
            rows = whole[first : first + 8]
            logits = model(rows, use_cache=False, logits_to_keep=DRAWN + 1).logits[:, :-1]
            logits.log_softmax(-1).gather(-1, rows[:, PROMPT:, None])

    with torch.inference_mode():
        read()
        figures = {"prefill": tokens_per_s(PROMPT, read)}
        for rows in rows_list:
            cache = read()
            cache.batch_repeat_interleave(rows)
            figures[f"decode_{rows}"] = tokens_per_s(rows * DRAWN, lambda: draw(rows, cache))
        figures[f"score_{CONTINUATIONS}"] = tokens_per_s(CONTINUATIONS * DRAWN, score)
    return figures


if __name__ == "__main__":
    main()
