# category: resource
# wasm: timeout
# local: timeout
import itertools
print(max(itertools.count()))
