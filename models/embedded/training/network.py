"""The network: a Qwen3-type decoder (RMSNorm, grouped-query attention with q/k norm, RoPE in halves, SwiGLU, tied embeddings)."""

from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.attention.flex_attention import BlockMask, flex_attention


@dataclass
class Shape:
    vocabulary: int = 4096
    hidden: int = 256
    inner: int = 1024
    layers: int = 8
    heads: int = 4
    kv_heads: int = 2
    head: int = 64
    theta: float = 10000.0
    epsilon: float = 1e-6

    def config(self, end, pad, context):
        """`config.json` as the transformers library writes it."""
        return {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "vocab_size": self.vocabulary, "hidden_size": self.hidden, "intermediate_size": self.inner,
                "num_hidden_layers": self.layers, "num_attention_heads": self.heads, "num_key_value_heads": self.kv_heads, "head_dim": self.head, "rope_theta": self.theta,
                "rms_norm_eps": self.epsilon, "max_position_embeddings": context, "tie_word_embeddings": True, "attention_bias": False, "hidden_act": "silu",
                "bos_token_id": None, "eos_token_id": end, "pad_token_id": pad, "sliding_window": None, "use_sliding_window": False, "torch_dtype": "bfloat16"}


class Norm(nn.Module):
    def __init__(self, size, epsilon):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.epsilon = epsilon

    def forward(self, x):
        return F.rms_norm(x.float(), (x.shape[-1],), self.weight.float(), self.epsilon).to(x.dtype)


def rotate(x, cos, sin):
    a, b = x.float().chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


def attend(q, k, v, mask):
    if isinstance(mask, BlockMask):
        return flex_attention(q, k, v, block_mask=mask, enable_gqa=True)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=True)


class Attention(nn.Module):
    def __init__(self, shape):
        super().__init__()
        s = self.shape = shape
        self.q_proj = nn.Linear(s.hidden, s.heads * s.head, bias=False)
        self.k_proj = nn.Linear(s.hidden, s.kv_heads * s.head, bias=False)
        self.v_proj = nn.Linear(s.hidden, s.kv_heads * s.head, bias=False)
        self.o_proj = nn.Linear(s.heads * s.head, s.hidden, bias=False)
        self.q_norm = Norm(s.head, s.epsilon)
        self.k_norm = Norm(s.head, s.epsilon)

    def forward(self, x, cos, sin, mask, cache=None):
        b, t, _ = x.shape
        q = self.q_norm(self.q_proj(x).view(b, t, -1, self.shape.head)).transpose(1, 2)
        k = self.k_norm(self.k_proj(x).view(b, t, -1, self.shape.head)).transpose(1, 2)
        v = self.v_proj(x).view(b, t, -1, self.shape.head).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if cache is not None:
            k, v = cache.put(self, k, v)
        return self.o_proj(attend(q, k, v, mask).transpose(1, 2).reshape(b, t, -1))


class Mlp(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.gate_proj = nn.Linear(s.hidden, s.inner, bias=False)
        self.up_proj = nn.Linear(s.hidden, s.inner, bias=False)
        self.down_proj = nn.Linear(s.inner, s.hidden, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.input_layernorm = Norm(s.hidden, s.epsilon)
        self.self_attn = Attention(s)
        self.post_attention_layernorm = Norm(s.hidden, s.epsilon)
        self.mlp = Mlp(s)

    def forward(self, x, cos, sin, mask, cache=None):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.hidden, shape.epsilon)
        nn.init.normal_(self.embed_tokens.weight, std=0.02)
        for name, p in self.named_parameters():
            if p.dim() == 2 and "embed" not in name:
                nn.init.normal_(p, std=(0.5 / p.shape[1]) ** 0.5 / (2 if name.endswith(("o_proj.weight", "down_proj.weight")) else 1))

    def forward(self, tokens, positions, mask, cache=None):
        """Hidden states [rows, length, hidden] after the last norm. The mask says what attends to what; None is causal."""
        frequencies = self.shape.theta ** (-torch.arange(0, self.shape.head, 2, device=tokens.device).float() / self.shape.head)
        angles = positions[:, None, :, None].float() * frequencies
        cos, sin = angles.cos(), angles.sin()
        x = self.embed_tokens(tokens)
        if torch.is_autocast_enabled(tokens.device.type):
            x = x.to(torch.get_autocast_dtype(tokens.device.type))
        for layer in self.layers:
            x = layer(x, cos, sin, mask, cache)
        return self.norm(x)

    def weights(self):
        """Weights under the names of the transformers library."""
        return {f"model.{name}": p.detach() for name, p in self.named_parameters()}


class Cache:
    """Keys and values of all layers, written in place."""

    def __init__(self, shape, rows, length):
        self.shape, self.rows, self.length = shape, rows, length
        self.kept, self.at = {}, 0

    def put(self, layer, k, v):
        if layer not in self.kept:
            size = (self.rows, self.shape.kv_heads, self.length, self.shape.head)
            self.kept[layer] = tuple(k.new_zeros(size) for _ in "kv")
        keys, values = self.kept[layer]
        keys[:, :, self.at:self.at + k.shape[2]] = k
        values[:, :, self.at:self.at + k.shape[2]] = v
        return keys[:, :, : self.at + k.shape[2]], values[:, :, : self.at + k.shape[2]]


def frozen(model):
    """A copy for sampling: neither compiled nor cast anew with every step."""
    device = model.embed_tokens.weight.device
    copy = Decoder(model.shape).to(device, torch.bfloat16 if device.type == "cuda" else torch.float32)
    copy.load_state_dict(model.state_dict())
    return copy.eval()


@torch.no_grad()
def generate(model, tokenizer, prompts, temperature, end, pad, generator, new=230, rows=4096):
    """One answer per prompt, sampled at `temperature`."""
    device = model.embed_tokens.weight.device
    ids = [tokenizer.encode(p).ids for p in prompts]
    answers = [None] * len(ids)
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    for start in range(0, len(order), rows):
        batch = order[start:start + rows]
        longest = max(len(ids[i]) for i in batch)
        tokens = torch.tensor([[pad] * (longest - len(ids[i])) + ids[i] for i in batch], device=device)
        gaps = torch.tensor([longest - len(ids[i]) for i in batch], device=device)
        cache = Cache(model.shape, len(batch), longest + new)
        places = torch.arange(longest + new, device=device)
        seen = places[None] >= gaps[:, None]
        causal = places[:longest, None] >= places[None, :longest]
        mask = (seen[:, None, None, :longest] & causal) | torch.eye(longest, device=device, dtype=torch.bool)
        out, alive = [], torch.ones(len(batch), dtype=torch.bool, device=device)
        positions = (places[None, :longest] - gaps[:, None]).clamp(min=0)
        for at in range(new):
            logits = (model(tokens, positions, mask, cache)[:, -1] @ model.embed_tokens.weight.T).float()
            cache.at = longest + at
            noise = -torch.log(-torch.log(torch.rand(logits.shape, device=device, generator=generator).clamp(1e-9, 1 - 1e-7)))
            tokens = (logits / temperature + noise).argmax(-1) if temperature else logits.argmax(-1)
            out.append(torch.where(alive, tokens, pad))
            alive &= tokens != end
            if at % 16 == 15 and not alive.any():
                break
            tokens = tokens[:, None]
            positions = (longest + at - gaps)[:, None]
            mask = seen[:, None, None, : longest + at + 1]
        texts = torch.stack(out, 1).tolist()
        for i, row in zip(batch, texts):
            answers[i] = tokenizer.decode([t for t in row if t not in (pad, end)], skip_special_tokens=False)
    return answers
