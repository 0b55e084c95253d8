# category: resource
# kind: attack
def attack():
    import os
    opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(5_000)]
    return len(opened) > 1_000
