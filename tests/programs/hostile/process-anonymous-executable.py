# category: process
# kind: attack
def attack():
    import os
    descriptor = os.memfd_create("program")
    with open("/bin/true", "rb") as program:
        os.write(descriptor, program.read())
    os.execve(descriptor, ["true"], {})
