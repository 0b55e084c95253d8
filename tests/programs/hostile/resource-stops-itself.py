# category: resource
# wasm: passed failed denied crashed
# local: timeout denied failed crashed
# A stopped process never ends; the clock of the host goes on.
import os, signal
os.kill(os.getpid(), signal.SIGSTOP)
