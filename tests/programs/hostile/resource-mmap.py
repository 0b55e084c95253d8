# category: resource
# wasm: failed denied memory
# local: memory failed denied
import mmap
keep = []
for _ in range(64):
    block = mmap.mmap(-1, 1 << 26)
    for at in range(0, 1 << 26, 4096):
        block[at] = 1
    keep.append(block)
print("BREACH")
