# category: resource
# wasm: timeout
# local: timeout
# One call into C that looks at nothing until it is done.
print(sum(range(10 ** 13)))
