"""Writes the held-out problems that the project's tests search: vague statements and wordings that training never used.

    python freeze.py OUT.jsonl [COUNT]
"""

import json
import random
import sys

import tasks
from evaluate import SETS

CHOSEN = ["vague", "unseen wordings"]


def main():
    out, count = sys.argv[1], int((sys.argv + ["30"])[2])
    with open(out, "w") as file:
        for name in CHOSEN:
            dice = random.Random(f"frozen {name}")
            for i in range(count // len(CHOSEN)):
                identity = f"embedded/{name.replace(' ', '-')}/{i}"
                file.write(json.dumps(tasks.problem(tasks.make(dice, **SETS[name]), identity)) + "\n")


if __name__ == "__main__":
    main()
