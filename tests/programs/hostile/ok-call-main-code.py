# category: benign
# test: assert f(1) == 1
# wasm: passed
# local: passed
def f(n):
    return n
if __name__ == "__main__":
    print(f(int(input())))
