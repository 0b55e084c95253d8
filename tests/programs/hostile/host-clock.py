# category: host
# kind: attack
def attack():
    import time
    time.clock_settime(time.CLOCK_REALTIME, time.time())
    return True
