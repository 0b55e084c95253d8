# category: crash
# wasm: crashed failed memory
# local: crashed failed memory
import copy
nest = []
for _ in range(100_000):
    nest = [nest]
copy.deepcopy(nest)
