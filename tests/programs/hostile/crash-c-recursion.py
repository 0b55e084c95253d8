# category: crash
# wasm: crashed failed memory
# local: crashed failed memory
# Recursion through C, where Python's own counter does not see every step.
class Deep:
    def __getattr__(self, name):
        return getattr(Deep(), name + "x")
Deep().a
