"""Environments of peers, apart from Pilito's own."""

import subprocess
import sys
from pathlib import Path


def install(requirements: Path, home: Path) -> Path:
    """Make a peer's environment in `home`, once; return its folder of programs.

    Raises:
        subprocess.CalledProcessError: a package can't be had.
    """
    programs = home / "venv" / "bin"
    marker = home / "installed"
    wanted = requirements.read_text()
    if not marker.exists() or marker.read_text() != wanted:
        print("installing the peer's packages ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", home / "venv"], check=True)
        pip = str(programs / "pip")
        subprocess.run([pip, "install", "--quiet", "-r", requirements], check=True)
        marker.write_text(wanted)
    return programs.absolute()
