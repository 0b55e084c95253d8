# category: crash
# wasm: failed
# local: failed
# The status that a shell gives to a killed process, but this one was not.
raise SystemExit(137)
