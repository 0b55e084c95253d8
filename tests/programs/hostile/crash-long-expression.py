# category: crash
# wasm: failed crashed memory passed
# local: failed crashed memory passed
print(eval("+".join(["1"] * 200_000)))
