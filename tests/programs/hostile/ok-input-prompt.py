# category: benign
# wasm: passed
# local: passed
# stdin: Ada\n
# prints: name? hello Ada
print("hello", input("name? "))
