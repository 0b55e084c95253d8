# category: process
# kind: attack
def attack():
    import subprocess
    return subprocess.run(["/bin/sh", "-c", "echo BREACH"], capture_output=True).returncode == 0
