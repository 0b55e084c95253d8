# category: network
# kind: attack
def attack():
    import socket
    return bool(socket.getaddrinfo("example.org", 80))
