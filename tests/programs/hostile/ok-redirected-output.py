# category: benign
# wasm: passed
# local: passed
# prints: outer INNER
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()) as out:
    print("inner", end="")
print("outer", out.getvalue().upper())
