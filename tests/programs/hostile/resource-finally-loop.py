# category: resource
# wasm: timeout
# local: timeout
try:
    raise SystemExit(0)
finally:
    while True:
        pass
