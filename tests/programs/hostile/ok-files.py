# category: benign
# wasm: passed failed denied
# local: passed
# prints: written
import os, tempfile
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "file")
    with open(path, "w") as file:
        file.write("written")
    with open(path) as file:
        print(file.read())
