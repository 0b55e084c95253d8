# category: crash
# wasm: failed
# local: failed denied
# Nothing was refused.
raise PermissionError(13, "Permission denied")
