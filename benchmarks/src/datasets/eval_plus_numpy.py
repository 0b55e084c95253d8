class np:
    """What the test code of evalplus uses of numpy."""

    ndarray = float64 = float32 = type("absent", (), {})

    @staticmethod
    def allclose(actual, expected, rtol=1e-05, atol=1e-08):
        if isinstance(expected, (list, tuple)):
            pairs = zip(actual, expected)
            return len(actual) == len(expected) and all(np.allclose(a, b, rtol, atol) for a, b in pairs)
        return actual == expected or abs(actual - expected) <= atol + rtol * abs(expected) < float("inf")
