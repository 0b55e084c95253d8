# category: benign
# wasm: failed
# local: failed
import unittest
class Sums(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(sum([1, 2]), 4)
unittest.main()
