"""Trains the embedded model: tokenizer, weights, and an evaluation, within a budget of seconds.

    python train.py --out DIR [--seconds 480] [--rows 256]

Data are made by worker processes while the model learns; nothing is downloaded. In the second phase wrong attempts of the
model itself join the repair dialogues. Checkpoints are `weights-N.safetensors` of at most 16 MB each; a run that finds them in DIR goes on
from them. Source of the optimizer: Jordan et al. 2024, "Muon".
"""

import argparse
import json
import multiprocessing as mp
import os
import pickle
import queue
import random
import threading
import time

import numpy as np

import dialogues
import tasks
from dialogues import END, PAD, SPECIAL

LENGTH = 512
CONTEXT = 1024


# ---- tokenizer

def texts(seed_and_count):
    seed, count = seed_and_count
    dice = random.Random(seed)
    return ["".join(dialogues.dialogue(dice)) for _ in range(count)]


def train_tokenizer(pool, size, samples):
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    chunks = pool.map(texts, [(f"tokenizer {i}", samples // 16) for i in range(16)])
    tokenizer = Tokenizer(models.BPE())
    pieces = Regex(r"\n *| ?[A-Za-z_]+|[0-9]| ?[^\sA-Za-z_0-9]+| +|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(pieces, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator((t for chunk in chunks for t in chunk), trainer)
    return tokenizer


# ---- data

def make_rows(seed, path, phase, attempts, out, per_message):
    """A worker: packed rows [per_message, LENGTH] of tokens, targets (-100 where nothing is learnt), positions and documents."""
    from tokenizers import Tokenizer
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    tokenizer = Tokenizer.from_file(path)
    dice, own = random.Random(seed), []
    rest = []
    while True:
        if phase.value == 1 and not own:
            with open(attempts, "rb") as file:
                own = pickle.load(file)
        rows = []
        while len(rows) < per_message:
            tokens, learnt, positions, documents = [], [], [], []
            count = 0
            while len(tokens) < LENGTH + 1:
                if rest:
                    read, write = rest.pop()
                elif own and dice.random() < 0.22:
                    read, write = dice.choice(own)
                else:
                    read, write = dialogues.dialogue(dice, 0.28)
                read, write = (tokenizer.encode(t).ids if isinstance(t, str) else t for t in (read, write))
                size = len(read) + len(write)
                if size > LENGTH + 1:
                    continue
                if len(tokens) + size > LENGTH + 1:
                    if len(rest) < 1 and len(tokens) < LENGTH - 200:
                        rest.append((read, write))
                    elif not rest:
                        rest.append((read, write))
                    break
                tokens += read + write
                learnt += [0] * len(read) + [1] * len(write)
                positions += range(size)
                documents += [count] * size
                count += 1
            fill = LENGTH + 1 - len(tokens)
            tokens += [0] * fill
            learnt += [0] * fill
            positions += [0] * fill
            documents += [count] * fill
            rows.append((tokens, learnt, positions, documents))
        out.put(np.array(rows, dtype=np.int16))


def judge(item):
    name, examples, answer = item
    return dialogues.feedback(answer, name, examples)


def judge_all(item):
    name, tests, answers = item
    return [dialogues.passes(a, name, tests) for a in answers]


def make_problems(arguments):
    seed, count, options = arguments
    dice = random.Random(seed)
    made = [tasks.make(dice, **options) for _ in range(count)]
    return [(t, tasks.stub(dice, t)) for t in made]


# ---- optimizer

def orthogonal(g, steps=5):
    x = g.bfloat16()
    flip = x.shape[-2] > x.shape[-1]
    x = x.mT if flip else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.mT if flip else x


class Muon:
    """Matrices of one shape are updated together."""

    def __init__(self, matrices, momentum=0.95):
        import torch
        shapes = {}
        for p in matrices:
            shapes.setdefault(tuple(p.shape), []).append(p)
        self.groups = [(ps, torch.zeros((len(ps), *shape), device=ps[0].device)) for shape, ps in shapes.items()]
        self.momentum = momentum

    def step(self, rate):
        import torch
        with torch.no_grad():
            for ps, kept in self.groups:
                g = torch.stack([p.grad for p in ps]).float()
                kept.mul_(self.momentum).add_(g)
                update = orthogonal(g.add(kept, alpha=self.momentum)).float()
                scale = max(1.0, ps[0].shape[0] / ps[0].shape[1]) ** 0.5
                torch._foreach_add_(ps, list((update * (-rate * scale)).unbind(0)))


# ---- training

def document_mask(documents):
    """What attends to what: earlier tokens of the same document."""
    if documents.is_cuda:
        return block_mask_of(documents)
    t = documents.shape[1]
    return (documents[:, None, :, None] == documents[:, None, None, :]) & documents.new_ones((t, t), dtype=bool).tril()


def block_mask_of(documents):
    from torch.nn.attention.flex_attention import create_block_mask

    def same(row, head, query, key):
        return (query >= key) & (documents[row, query] == documents[row, key])
    rows, length = documents.shape
    return create_block_mask(same, rows, None, length, length, device=documents.device)


def save(model, tokenizer, out, shape):
    import torch
    from safetensors.torch import save_file
    tokenizer.save(f"{out}/tokenizer.json")
    end, pad = tokenizer.token_to_id(END), tokenizer.token_to_id(PAD)
    with open(f"{out}/config.json", "w") as file:
        json.dump(shape.config(end, pad, CONTEXT), file, indent=1)
    weights = {k: v.to(torch.bfloat16).cpu().contiguous() for k, v in model.weights().items()}
    parts, size = [{}], 0
    for name, w in weights.items():
        if size + w.nbytes > 12 << 20:
            parts.append({})
            size = 0
        parts[-1][name] = w
        size += w.nbytes
    for i, part in enumerate(parts):
        save_file(part, f"{out}/weights-{i + 1}.safetensors")


def main():
    start = time.time()
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--seconds", type=float, default=480)
    parser.add_argument("--evaluate", type=float, default=70, help="seconds of them for the evaluation")
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 2))
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--tokenizer-samples", type=int, default=24000)
    parser.add_argument("--attempts", type=int, default=16000)
    parser.add_argument("--problems", type=int, default=200)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    log = open(f"{options.out}/log.txt", "a")

    def say(*words):
        line = f"[{time.time() - start:6.1f} s] " + " ".join(map(str, words))
        print(line, flush=True)
        print(line, file=log, flush=True)

    context = mp.get_context("fork")
    pool = context.Pool(options.workers)
    tokenizer_path = f"{options.out}/tokenizer.json"
    from tokenizers import Tokenizer
    if os.path.exists(tokenizer_path):
        tokenizer = Tokenizer.from_file(tokenizer_path)
    else:
        tokenizer = train_tokenizer(pool, 4096, options.tokenizer_samples)
        tokenizer.save(tokenizer_path)
    say("tokenizer of", tokenizer.get_vocab_size(), "tokens")
    phase, attempts = context.Value("i", 0), f"{options.out}/attempts.pkl"
    made = context.Queue(maxsize=64)
    per_message = min(32, options.rows)
    workers = [context.Process(target=make_rows, args=(f"train {i} {time.time()}", tokenizer_path, phase, attempts, made, per_message), daemon=True) for i in range(options.workers)]
    for w in workers:
        w.start()

    import torch
    from network import Decoder, Shape, frozen, generate
    torch.manual_seed(7)
    torch.set_float32_matmul_precision("high")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shape = Shape(vocabulary=4096, layers=options.layers)
    model = Decoder(shape).to(device)
    resumed = sorted(f for f in os.listdir(options.out) if f.startswith("weights-"))
    if resumed:
        from safetensors.torch import load_file
        kept = {k.removeprefix("model."): v for f in resumed for k, v in load_file(f"{options.out}/{f}").items()}
        model.load_state_dict(kept)
    say(device, "parameters", sum(p.numel() for p in model.parameters()), "resumed" if resumed else "")
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.dim() != 2 or "embed" in n]
    muon = Muon(matrices)
    adam = torch.optim.AdamW(others, lr=4e-3, betas=(0.9, 0.95), weight_decay=0.0, fused=device.type == "cuda")
    fused = device.type == "cuda"
    if fused:
        for layer in model.layers:
            layer.compile(dynamic=False)

    def loss_of(tokens, learnt, positions, documents):
        """Mean cross-entropy of the tokens that are to be learnt, 1 where they are."""
        mask = document_mask(documents[:, :-1].contiguous()) if fused or device.type == "cpu" else None
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            hidden = model(tokens[:, :-1], positions[:, :-1], mask).reshape(-1, shape.hidden)
            picked = learnt[:, 1:].reshape(-1).nonzero(as_tuple=True)[0]
            logits = hidden[picked] @ model.embed_tokens.weight.T
        return torch.nn.functional.cross_entropy(logits.float(), tokens[:, 1:].reshape(-1)[picked])

    ready = queue.Queue(maxsize=6)  # batches ahead of the model

    def feed():
        while True:
            parts = [made.get() for _ in range(max(1, options.rows // per_message))]
            batch = torch.from_numpy(np.concatenate(parts)).long()
            if device.type == "cuda":
                batch = batch.pin_memory().to(device, non_blocking=True)
            ready.put(batch)
    threading.Thread(target=feed, daemon=True).start()

    until = options.seconds - options.evaluate
    step, seen, average, waited, began = 0, 0, None, 0.0, None
    sampled = False
    checkpoint = time.time()
    while True:
        now = time.time() - start
        done = min(1.0, (now - (began or now)) / max(1e-9, until - (began or now))) if began else 0.0
        if now >= until:
            break
        if done > 0.5 and not sampled:
            sampled = True
            sample_attempts(frozen(model), tokenizer, pool, options.attempts, attempts, say, generate)
            phase.value = 1
            continue
        fetch = time.time()
        batch = ready.get()
        waited += time.time() - fetch
        tokens, learnt, positions, documents = batch.unbind(1)
        rate = min(1.0, (step + 1) / 60) * min(1.0, (1 - done) / 0.6 + 0.01)
        try:
            loss = loss_of(tokens, learnt, positions, documents)
            loss.backward()
        except Exception as error:
            # A device without the fused kernels still trains: causal attention over the whole row.
            if not fused:
                raise
            say("no fused attention here:", repr(error)[:600])
            fused = False
            for layer in model.layers:
                layer._compiled_call_impl = None
            model.zero_grad(set_to_none=True)
            continue
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        for group in adam.param_groups:
            group["lr"] = 4e-3 * rate
        muon.step(options.rate * rate)
        adam.step()
        model.zero_grad(set_to_none=True)
        step += 1
        seen += tokens.numel()
        if step == 3:
            began = time.time() - start
            say("first steps done")
        if step % 50 == 0:
            value = loss.item()
            average = value if average is None else 0.8 * average + 0.2 * value
            say(f"step {step} tokens {seen / 1e6:.1f} M loss {average:.4f} rate {rate:.2f} {seen / (time.time() - start - (began or 0)) / 1e6:.2f} M/s waiting {waited / (time.time() - start):.2f}")
        if time.time() - checkpoint > 100:
            save(model, tokenizer, options.out, shape)
            checkpoint = time.time()
    save(model, tokenizer, options.out, shape)
    say("saved after", step, "steps,", seen, "tokens")
    for w in workers:
        w.kill()
    from evaluate import evaluate
    evaluate(frozen(model), tokenizer, pool, options.problems, options.out, say, options.seconds - (time.time() - start))
    os._exit(0)


def sample_attempts(model, tokenizer, pool, count, path, say, generate):
    """Wrong attempts of the model itself, as repair dialogues."""
    import torch
    generator = torch.Generator(device=model.embed_tokens.weight.device).manual_seed(1)
    end, pad = tokenizer.token_to_id(END), tokenizer.token_to_id(PAD)
    problems = [p for part in pool.map(make_problems, [(f"attempts {i}", max(1, count // 64), {"vague": 0.7}) for i in range(64)]) for p in part]
    answers = generate(model, tokenizer, [dialogues.prompt(s) for _, s in problems], 1.0, end, pad, generator)
    say("attempts drawn")
    verdicts = pool.map(judge, [(t.name, t.examples, a) for (t, _), a in zip(problems, answers)], chunksize=32)
    own = [(dialogues.repair_prompt(s, a, v), dialogues.answer(t) + END) for (t, s), a, v in zip(problems, answers, verdicts) if v]
    with open(path, "wb") as file:
        pickle.dump(own, file)
    say("own attempts", len(problems), "wrong", len(own))


if __name__ == "__main__":
    main()
