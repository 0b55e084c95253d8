# category: benign
# wasm: passed
# local: passed
# prints: ñ 漢字 🎉 é 1
import unicodedata
print("ñ", "漢字", "\N{PARTY POPPER}", "e\u0301" if len("é") == 2 else "é", len(unicodedata.normalize("NFC", "e\u0301")))
