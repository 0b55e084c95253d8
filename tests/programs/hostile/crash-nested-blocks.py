# category: crash
# wasm: failed
# local: failed
exec("".join("%sif True:\n" % (" " * depth) for depth in range(150)) + " " * 150 + "pass")
