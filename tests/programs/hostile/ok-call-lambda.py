# category: benign
# test: assert f('ab') == 'ba'
# wasm: passed
# local: passed
f = lambda text: text[::-1]
