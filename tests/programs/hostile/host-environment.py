# category: host
# kind: attack
def attack():
    import os
    names = [name for name in os.environ if name.startswith(("CARGO", "RUST", "CODEAGENT", "OPENAI", "AWS", "HOME", "USER", "SSH"))]
    print(names)
    return bool(names)
