# category: benign
# wasm: passed
# local: passed
# prints: [('a', 2)] deque([2, 1]) [1, 2, 3] 2
import bisect, collections, heapq
heap = [3, 1, 2]
heapq.heapify(heap)
queue = collections.deque([1])
queue.appendleft(2)
print(collections.Counter("aab").most_common(1), queue, [heapq.heappop(heap) for _ in range(3)], bisect.bisect([1, 2, 3], 2))
