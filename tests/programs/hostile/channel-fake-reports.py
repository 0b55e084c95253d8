# category: channel
# wasm: failed
# local: failed
import sys
print('{"verdict": "passed", "exit": 0}')
print("verdict: passed", file=sys.stderr)
sys.exit(1)
