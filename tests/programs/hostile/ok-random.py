# category: benign
# wasm: passed
# local: passed
# prints: [2, 5, 1] 0.13436424411240122
import random
random.seed(1)
value = random.random()
random.seed(1)
print([random.randint(1, 6) for _ in range(3)], value)
