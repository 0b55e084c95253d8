# category: network
# wasm: failed denied
# local: failed denied
import urllib.request
print("BREACH", urllib.request.urlopen("http://192.0.2.1/", timeout=0.5).status)
