# category: resource
# kind: attack
def attack():
    import os
    opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(5_000)]
    return len(set(opened)) > 1_000
