# category: benign
# wasm: failed
# local: failed
# stderr: ValueError
class Many(ValueError):
    pass
if "ExceptionGroup" in dir(__builtins__):
    raise ExceptionGroup("several", [ValueError(1), Many(2)])
raise Many(1)
