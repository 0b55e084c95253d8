# category: process
# kind: attack
# The dynamic loader runs what may not be executed.
def attack():
    import glob, os
    for loader in glob.glob("/lib*/ld-linux*") + glob.glob("/lib/*/ld-linux*"):
        os.execv(loader, [loader, "/bin/true"])
    return False
