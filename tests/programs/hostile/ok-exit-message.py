# category: benign
# wasm: failed
# local: failed
# stderr: went wrong
# A text as status goes to stderr, and the status is 1.
import sys
sys.exit("went wrong")
