# category: network
# kind: attack
def attack():
    import socket
    opened = []
    for family in range(1, 46):
        for kind in (1, 2, 3, 5):
            try:
                socket.socket(family, kind).close()
                opened.append((family, kind))
            except OSError:
                pass
    print(opened)
    return bool(opened)
