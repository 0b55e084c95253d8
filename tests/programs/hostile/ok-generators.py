# category: benign
# wasm: passed
# local: passed
# prints: [1, 2, 3] closed
def numbers():
    try:
        yield from (1, 2, 3)
        yield 4
    finally:
        print("closed")
stream = numbers()
print([next(stream) for _ in range(3)], end=" ")
stream.close()
