# category: benign
# wasm: passed
# local: passed
# prints: TestResults(failed=0, attempted=1)
import doctest
def double(n):
    """
    >>> double(2)
    4
    """
    return 2 * n
print(str(doctest.testmod()).replace(", skipped=0", ""))
