# category: resource
# wasm: failed timeout
# local: failed timeout
# CPython itself refuses to read so many digits.
print(int("9" * 10 ** 6))
