"""How long the idle runtime takes to start and to stop, and what it weighs.

Memory is the sum of proportional set sizes: a page that n processes share counts 1/n
in each. Run it with `python -m benchmarks.footprint`.
"""

import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from benchmarks.runtime import started

#: Ready is not yet idle: let the last imports settle.
SETTLE_S = 10.0
CPU_WINDOW_S = 10.0
MEMORY_AIM_GB = 2.5
START_AIM_S = 30.0
STOP_AIM_S = 15.0


def proportional_bytes(pid: int) -> int:
    """Return a process's proportional set size; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    for line in lines.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def family_of(pid: int, data_dir: Path) -> list[psutil.Process]:
    """Return the runtime's processes: its children, and its PostgreSQL."""
    root = psutil.Process(pid)
    family = {process.pid: process for process in [root, *root.children(True)]}
    for process in psutil.process_iter(["pid", "cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if str(data_dir) in command:
            family[process.pid] = process
            family |= {child.pid: child for child in process.children(True)}
    return list(family.values())


def name_of(process: psutil.Process) -> str:
    """Return what to call a process in the table."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return "gone"
    return Path(words[0].split(" ")[0]).name if words else process.name()


def cpu_seconds(family: list[psutil.Process]) -> float:
    """Return the processor time that the processes have used so far."""
    total = 0.0
    for process in family:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def main() -> None:
    """Start twice on one folder, so that the second finds warm caches, and print."""
    with tempfile.TemporaryDirectory(prefix="pilito-") as home:
        measure(Path(home) / "var")


def measure(data_dir: Path) -> None:
    """Start in an empty folder and once more, look at the second, and print."""
    with started(data_dir=data_dir) as first:
        first_s = first.start_s
    with started(data_dir=data_dir) as runtime:
        runtime.settle()
        time.sleep(SETTLE_S)
        family = family_of(runtime.pid, runtime.data_dir)
        before = cpu_seconds(family)
        time.sleep(CPU_WINDOW_S)
        busy = (cpu_seconds(family) - before) / CPU_WINDOW_S
        sizes: Counter[str] = Counter()
        counts: Counter[str] = Counter()
        for process in family:
            name = name_of(process)
            sizes[name] += proportional_bytes(process.pid)
            counts[name] += 1
        warm_s = runtime.start_s
        leaving = time.perf_counter()
    stop_s = time.perf_counter() - leaving
    print(f"{'process':<36}{'count':>6}{'MB':>9}")
    for name, size in sizes.most_common():
        print(f"{name:<36}{counts[name]:>6}{size / 1e6:>9.1f}")
    total_gb = sum(sizes.values()) / 1e9
    print(f"\nmemory, proportional: {total_gb:.2f} GB (aim: under {MEMORY_AIM_GB})")
    print(f"start, empty folder:  {first_s:.1f} s, with the demo shop to be embedded")
    print(f"start, once more:     {warm_s:.1f} s (aim: under {START_AIM_S:.0f})")
    print(f"stop:                 {stop_s:.1f} s (aim: under {STOP_AIM_S:.0f})")
    print(f"idle processor use:   {busy:.2f} cores")


if __name__ == "__main__":
    main()
