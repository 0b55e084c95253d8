# category: resource
# kind: attack
def attack():
    import os
    for raise_priority in (
        lambda: os.setpriority(os.PRIO_PROCESS, 0, -20),
        lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)),
        lambda: os.nice(-5),
    ):
        try:
            raise_priority()
            return True
        except (OSError, AttributeError):
            pass
    return False
