"""Finds and ends the processes that a killed runtime has left running."""

import os
from datetime import timedelta
from pathlib import Path

import psutil

from deployments.runtime.ray_workarounds.haproxy import MARK

#: Time between the request to stop and the kill.
GRACE = timedelta(seconds=2)
#: A killed process is gone at once, unless the machine is too busy even for that.
KILL_TIMEOUT = timedelta(seconds=5)


def find_processes(folder: Path) -> list[psutil.Process]:
    """Return the processes of the runtime whose folder this is, without ourselves."""
    own = os.getpid()
    processes = {
        process.pid: process
        for process in psutil.process_iter()
        if process.pid != own and _belongs(process, folder)
    }
    return list(processes.values())


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
    psutil.wait_procs(remaining, timeout=KILL_TIMEOUT.total_seconds())
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
        # Ray's agents overwrite their environment with their title; their open log
        # files still show the runtime that they belong to.
        return process.cmdline()[:1] != [] and (
            process.cmdline()[0].startswith(("ray::", "ray-dashboard"))
            and any(file.path.startswith(inside) for file in process.open_files())
        )
    except psutil.Error:
        return False
