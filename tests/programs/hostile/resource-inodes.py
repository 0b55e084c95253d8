# category: resource
# kind: attack
def attack():
    import tempfile
    folder = tempfile.mkdtemp()
    for number in range(200_000):
        open("%s/%d" % (folder, number), "w").close()
    return True
