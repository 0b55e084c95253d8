# category: benign
# wasm: failed
# local: failed
# stderr: json
import json
json.loads("{")
