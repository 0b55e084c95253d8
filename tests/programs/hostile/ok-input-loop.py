# category: benign
# wasm: passed
# local: passed
# stdin: 3\n1 2\n3 4\n5 6\n
# prints: 3\n7\n11
for _ in range(int(input())):
    a, b = map(int, input().split())
    print(a + b)
