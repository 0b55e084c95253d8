# category: benign
# wasm: passed
# local: passed
# prints: [inner\n]
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()) as out:
    print("inner")
print("[%s]" % out.getvalue().replace("\n", "\\n"))
