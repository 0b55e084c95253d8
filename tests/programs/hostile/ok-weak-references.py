# category: benign
# wasm: passed
# local: passed
# prints: None True
import gc, weakref
class Thing: pass
thing = Thing()
reference = weakref.ref(thing)
del thing
gc.collect()
print(reference(), gc.isenabled())
