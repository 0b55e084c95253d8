# category: benign
# wasm: passed
# local: passed
# prints: out
# stderr: WARNING:root:careful
import logging
logging.warning("careful")
print("out")
