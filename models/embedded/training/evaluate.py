"""Measures a model on problems that it has not seen: pass@k, repair, and the frozen problems for search."""

import json

import dialogues
import tasks
from dialogues import END, PAD

SETS = {
    "vague": {"split": "held", "vague": 1.0, "control_share": 0.0},
    "unseen wordings": {"split": "held", "unseen": True, "control_share": 0.0},
    "held-out compositions": {"split": "held"},
    "chains of five": {"split": "held", "length": 5},
    "chains of six": {"split": "held", "length": 6},
    "seen compositions": {"split": "train"},
}


def pass_at(k, right, of):
    """Unbiased pass@k (Chen et al. 2021)."""
    if of - right < k:
        return 1.0
    wrong = 1.0
    for i in range(of - right + 1, of + 1):
        wrong *= 1 - k / i
    return 1 - wrong


def evaluate(model, tokenizer, pool, count, out, say, seconds, samples=50, temperature=0.8):
    import time
    import torch
    from network import generate
    from train import judge, judge_all, make_problems
    begun = time.time()
    generator = torch.Generator(device=model.embed_tokens.weight.device).manual_seed(2)
    end, pad = tokenizer.token_to_id(END), tokenizer.token_to_id(PAD)
    report, kept = {}, []
    for name, options in SETS.items():
        if time.time() - begun > seconds * 0.8:
            say("no time for", name)
            break
        made = [p for part in pool.map(make_problems, [(f"{name} {i}", count // 8, options) for i in range(8)]) for p in part]
        prompts = [dialogues.prompt(s) for _, s in made]
        greedy = generate(model, tokenizer, prompts, 0, end, pad, generator)
        said = pool.map(judge, [(t.name, t.examples, a) for (t, _), a in zip(made, greedy)], chunksize=8)
        first = [judge_all((t.name, t.examples + t.hidden, [a]))[0] for (t, _), a in zip(made, greedy)]
        many = generate(model, tokenizer, [p for p in prompts for _ in range(samples)], temperature, end, pad, generator)
        groups = [many[i * samples:(i + 1) * samples] for i in range(len(made))]
        right = [sum(r) for r in pool.map(judge_all, [(t.name, t.examples + t.hidden, g) for (t, _), g in zip(made, groups)], chunksize=2)]
        wrong = [i for i, s in enumerate(said) if s]
        tries = 8
        repairs = generate(model, tokenizer, [dialogues.repair_prompt(made[i][1], greedy[i], said[i]) for i in wrong for _ in range(tries)], temperature, end, pad, generator) if wrong else []
        mended = pool.map(judge_all, [(made[i][0].name, made[i][0].examples + made[i][0].hidden, repairs[n * tries:(n + 1) * tries]) for n, i in enumerate(wrong)], chunksize=2)
        again = [right[i] / samples for i in wrong]
        n = len(made)
        report[name] = {"problems": n, "greedy": sum(first) / n, **{f"pass@{k}": sum(pass_at(k, r, samples) for r in right) / n for k in (1, 5, 10, 20, 50)},
                        "wrong": len(wrong), "repair pass@1": sum(sum(m) for m in mended) / max(1, tries * len(wrong)), "fresh pass@1 on the same": sum(again) / max(1, len(again)),
                        "repair pass@8": sum(any(m) for m in mended) / max(1, len(wrong))}
        say(name, json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in report[name].items()}))
        kept += [{"set": name, "length": t.length, "key": list(map(str, t.key)), "right": r, "of": samples, "problem": tasks.problem(t, f"{name.replace(' ', '-').replace(',', '')}/{i}")} for i, ((t, _), r) in enumerate(zip(made, right))]
        with open(f"{out}/evaluation.json", "w") as file:
            json.dump(report, file, indent=1)
        with open(f"{out}/problems.jsonl", "w") as file:
            for row in kept:
                file.write(json.dumps(row) + "\n")


def main():
    import argparse, multiprocessing, os
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--problems", type=int, default=80)
    options = parser.parse_args()
    pool = multiprocessing.get_context("fork").Pool(os.cpu_count())
    import torch
    from safetensors.torch import load_file
    from tokenizers import Tokenizer
    from network import Decoder, Shape, frozen
    config = json.load(open(f"{options.folder}/config.json"))
    model = Decoder(Shape(layers=config["num_hidden_layers"]))
    weights = {k.removeprefix("model."): v.float() for f in sorted(os.listdir(options.folder)) if f.endswith(".safetensors") for k, v in load_file(f"{options.folder}/{f}").items()}
    model.load_state_dict(weights)
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    evaluate(frozen(model), Tokenizer.from_file(f"{options.folder}/tokenizer.json"), pool, options.problems, options.folder, print, 1e9)


if __name__ == "__main__":
    main()
