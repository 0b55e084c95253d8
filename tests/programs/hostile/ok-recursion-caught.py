# category: benign
# wasm: passed
# local: passed
# prints: too deep
def deep():
    return deep()
try:
    deep()
except RecursionError:
    print("too deep")
