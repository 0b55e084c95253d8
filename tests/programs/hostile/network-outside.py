# category: network
# kind: attack
# Addresses for documentation: nobody answers, but even the attempt must not be possible.
def attack():
    import socket
    for family, address in ((socket.AF_INET, ("192.0.2.1", 80)), (socket.AF_INET6, ("2001:db8::1", 80))):
        try:
            connection = socket.socket(family)
            connection.settimeout(0.2)
            connection.connect(address)
            return True
        except socket.timeout:
            return True
        except OSError:
            pass
    return False
