# category: resource
# wasm: memory failed
# local: memory failed
print("%*d" % (1 << 31 - 1, 1), "{:>{}}".format(1, 1 << 33))
