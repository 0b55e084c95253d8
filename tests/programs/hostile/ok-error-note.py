# category: benign
# wasm: failed
# local: failed
# stderr: ValueError: bad
error = ValueError("bad")
if hasattr(error, "add_note"):
    error.add_note("a note")
raise error
