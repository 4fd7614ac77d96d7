"""Lets the process that started Ray stop on a signal, and end when Ray is gone.

Ray: 2.60.0
Problem: Ray's native code takes SIGTERM for a crash: it passes the signal on and sets
    an alarm of three seconds that aborts the process. And at the exit of a process
    whose Ray was killed, Ray asks its dead parts to leave, and waits for them.
Needless: `ray.init` leaves the signals of its process alone, and the exit of Python
    does not wait for a raylet that has ended.
"""

import logging
import os
import signal
from typing import NoReturn


def cancel_abort() -> None:
    """Cancel the alarm that Ray's native code has set. Call it in a signal handler."""
    signal.alarm(0)


def exit_without_ray(code: int) -> NoReturn:
    """End the process at once, without what Ray does at an exit."""
    logging.shutdown()
    os._exit(code)
