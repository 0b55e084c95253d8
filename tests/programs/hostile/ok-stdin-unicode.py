# category: benign
# wasm: passed
# local: passed
# stdin: żółw 🐢\n
# prints: 6 🐢 włóż
text = input()
print(len(text), text[-1], text[3::-1])
