# category: host
# kind: attack
def attack():
    import glob, os
    places = ("/etc/shadow", "/root/.*", "/home/*/.*", "/var/run/secrets/*", "/run/secrets/*", "/var/lib/*", "/root/.cargo/*")
    for place in places:
        for path in glob.glob(place):
            try:
                if os.path.isfile(path) and open(path, "rb").read(1):
                    return True
            except OSError:
                pass
    return False
