"""How does a process make sure that it does not outlive its parent, however the parent ends?"""

import ctypes
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1


def tether_to_parent(parent: int | None = None) -> None:
    """Have this process killed when its parent dies, even of SIGKILL.

    `parent` is the process id of the expected parent; where it is already gone this process ends at once.
    On Linux the kernel does it and an `exec` keeps it, a `fork` does not: every process of the tree calls
    this for itself. Elsewhere a thread watches, which ends at an `exec`.
    """
    expected = os.getppid() if parent is None else parent
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    else:
        threading.Thread(target=_watch, args=[expected], daemon=True).start()
    if os.getppid() != expected:
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
