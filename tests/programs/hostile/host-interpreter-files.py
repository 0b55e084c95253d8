# category: host
# kind: attack
# absent: /usr/lib/codeagent_hostile
# Writes where the next interpreter looks for modules.
def attack():
    import os, sys
    for folder in sys.path + [sys.prefix, os.path.dirname(os.__file__), "/usr/lib"]:
        try:
            path = os.path.join(folder, "codeagent_hostile")
            open(path, "w").close()
            return True
        except OSError:
            pass
    return False
