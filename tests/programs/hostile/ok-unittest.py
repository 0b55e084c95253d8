# category: benign
# wasm: passed
# local: passed
# A program that tests itself leaves with status 0.
import unittest
class Sums(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(sum([1, 2]), 3)
        with self.assertRaises(ZeroDivisionError):
            1 / 0
if __name__ == "__main__":
    unittest.main()
