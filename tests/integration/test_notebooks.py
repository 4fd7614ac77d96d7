"""The notebooks run from top to bottom, and are stored without what they printed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TypedDict

import pytest

pytest.importorskip("nbclient", reason="the notebooks' packages are not installed")

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NAMES = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
#: On two busy cores; alone all of them take about a minute.
LIMIT_S = 400
#: In a process of its own: a kernel's sockets and loops are not this suite's to watch.
RUN = f"""
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.execute(notebook, timeout={LIMIT_S}, kernel_name="python3")
nbformat.write(notebook, sys.argv[2])
"""


class _Cell(TypedDict):
    cell_type: str
    outputs: list[dict[str, dict[str, str]]]
    execution_count: int | None


def code_cells(path: Path) -> list[_Cell]:
    cells: list[_Cell] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S + 60)
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_and_plots(name: str, tmp_path: Path) -> None:
    done = tmp_path / name
    # Its kernel must find this checkout, and no hub.
    paths = (str(NOTEBOOKS.parent), os.environ.get("PYTHONPATH", ""))
    environment = {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "HF_HUB_OFFLINE": "1",
    }
    ran = subprocess.run(
        [sys.executable, "-c", RUN, str(NOTEBOOKS / name), str(done)],
        cwd=NOTEBOOKS,
        env=os.environ | environment,
        timeout=LIMIT_S,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    outputs = [output for cell in code_cells(done) for output in cell["outputs"]]
    assert any("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_stored_without_outputs(name: str) -> None:
    cells = code_cells(NOTEBOOKS / name)
    assert cells
    assert not any(cell["outputs"] or cell["execution_count"] for cell in cells)
