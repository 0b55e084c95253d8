# category: benign
# wasm: passed
# local: passed
# prints: ['a1', 'b22'] 2001-02-03 <b>
import re
print(re.findall(r"[a-z]\d+", "a1 b22 c"), re.sub(r"(\d+)/(\d+)/(\d+)", r"\3-\2-\1", "03/02/2001"), re.match(r"<.+?>", "<b></b>")[0])
