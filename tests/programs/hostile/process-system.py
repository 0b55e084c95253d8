# category: process
# kind: attack
def attack():
    import os
    return os.system("true") == 0 or bool(os.popen("echo BREACH").read())
