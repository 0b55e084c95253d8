# category: crash
# wasm: passed failed
# local: passed failed
# Only eight bits of a status arrive.
raise SystemExit(256)
