# category: benign
# wasm: passed
# local: passed
# prints: __main__ candidate.py
import sys
def main():
    print(__name__, sys.argv[0])
if __name__ == "__main__":
    main()
