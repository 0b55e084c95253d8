# category: benign
# wasm: passed
# local: passed
# stdin: a\nbb\n\nccc
# prints: [1, 2, 0, 3]
lengths = []
while True:
    try:
        lengths.append(len(input()))
    except EOFError:
        break
print(lengths)
