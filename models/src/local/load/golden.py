"""Makes golden.json with the transformers library, from what the test `writes_the_fixtures` wrote.

    python golden.py FOLDER > golden.json
"""
import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM

golden = {}
for folder in sorted(path for path in pathlib.Path(sys.argv[1]).iterdir() if path.is_dir()):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokens = torch.tensor([json.loads((folder / "tokens.json").read_text())])
    with torch.no_grad():
        logits = model(tokens).logits[0]
    golden[folder.name] = [[round(x, 6) for x in logits[row, ::16].tolist()] for row in (0, 11, 23)]
print(json.dumps(golden))
