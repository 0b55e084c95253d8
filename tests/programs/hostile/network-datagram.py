# category: network
# kind: attack
def attack():
    import socket
    datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return datagram.sendto(b"x", ("127.0.0.1", 9)) == 1
