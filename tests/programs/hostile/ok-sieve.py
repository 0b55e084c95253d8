# category: benign
# wasm: passed
# local: passed
# prints: 78498
n = 10 ** 6
sieve = bytearray([1]) * n
sieve[:2] = b"\0\0"
for i in range(2, 1000):
    if sieve[i]:
        sieve[i * i :: i] = bytes(len(range(i * i, n, i)))
print(sum(sieve))
