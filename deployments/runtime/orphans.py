"""Finds and ends what a runtime left running, and nothing else."""

import os
from datetime import timedelta
from pathlib import Path

import psutil

from deployments.runtime.environment import MARK

#: What is asked to stop gets this long before it is made to.
GRACE = timedelta(seconds=2)
#: Who is killed is gone at once, unless the machine has no time even for that.
KILLED = timedelta(seconds=5)


def find_processes(folder: Path) -> list[psutil.Process]:
    """Return the processes of the runtime whose folder this is, without ourselves."""
    own = os.getpid()
    found = {
        process.pid: process
        for process in psutil.process_iter()
        if process.pid != own and _belongs(process, folder)
    }
    return list(found.values())


def end_processes(folder: Path, *, grace: timedelta = GRACE) -> int:
    """End all processes of the runtime, and return how many there were."""
    processes = find_processes(folder)
    for process in processes:
        _signal(process, gentle=grace > timedelta(0))
    _, stubborn = psutil.wait_procs(processes, timeout=grace.total_seconds())
    # The first round may have made some fork; look again.
    remaining = {*stubborn, *find_processes(folder)}
    for process in remaining:
        _signal(process, gentle=False)
    psutil.wait_procs(remaining, timeout=KILLED.total_seconds())
    return len(processes)


def _signal(process: psutil.Process, *, gentle: bool) -> None:
    try:
        if gentle:
            process.terminate()
        else:
            process.kill()
    except psutil.NoSuchProcess:
        pass


def _belongs(process: psutil.Process, folder: Path) -> bool:
    inside = f"{folder}{os.sep}"
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if process.environ().get(MARK, "").startswith(inside):
            return True
        # Ray's agents write their title over their environment; their open log files
        # still tell whose they are.
        return process.cmdline()[:1] != [] and (
            process.cmdline()[0].startswith(("ray::", "ray-dashboard"))
            and any(file.path.startswith(inside) for file in process.open_files())
        )
    except psutil.Error:
        return False
