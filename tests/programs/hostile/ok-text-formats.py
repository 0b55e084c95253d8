# category: benign
# wasm: passed
# local: passed
# prints: {"a": [1, null]}\nx,"y z"\n61 YQ== 0cc175b9c0f1b6a831c399e269772661
import base64, csv, hashlib, io, json
out = io.StringIO()
csv.writer(out, lineterminator="", quoting=csv.QUOTE_MINIMAL, delimiter=",").writerow(["x", "y z"])
print(json.dumps({"a": [1, None]}))
print(out.getvalue().replace("y z", '"y z"'))
print(b"a".hex(), base64.b64encode(b"a").decode(), hashlib.md5(b"a").hexdigest())
