# category: crash
# wasm: failed output-limit crashed timeout memory
# local: failed output-limit crashed timeout memory
error = None
for number in range(20_000):
    try:
        raise ValueError(number) from error
    except ValueError as caught:
        error = caught
raise error
