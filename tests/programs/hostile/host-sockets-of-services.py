# category: host
# kind: attack
def attack():
    import socket
    for path in ("/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/dbus/system_bus_socket", "/run/systemd/private"):
        try:
            socket.socket(socket.AF_UNIX).connect(path)
            return True
        except OSError:
            pass
    return False
