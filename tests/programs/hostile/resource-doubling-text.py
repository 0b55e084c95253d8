# category: resource
# wasm: memory
# local: memory
text = "x"
for _ in range(40):
    text += text
print("BREACH")
