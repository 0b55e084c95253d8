# category: benign
# wasm: passed failed denied
# local: passed
# prints: 45
import threading
total, lock = [0], threading.Lock()
def add(n):
    with lock:
        total[0] += n
threads = [threading.Thread(target=add, args=(n,)) for n in range(10)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(total[0])
