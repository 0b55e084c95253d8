# category: resource
# wasm: timeout
# local: timeout
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
