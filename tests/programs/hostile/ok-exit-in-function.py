# category: benign
# wasm: passed
# local: passed
# prints: No
import sys
def main():
    print("No")
    sys.exit()
main()
