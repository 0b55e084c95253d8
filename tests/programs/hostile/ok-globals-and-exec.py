# category: benign
# wasm: passed
# local: passed
# prints: 3 3 [0, 1]
namespace = {}
exec("a = 1\nb = a + 2", namespace)
print(namespace["b"], eval("a + 2", {"a": 1}), [i for i in range(2)])
