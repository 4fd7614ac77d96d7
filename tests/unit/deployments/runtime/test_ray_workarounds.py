"""Each workaround of Ray names Ray's version and what would make it needless."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from deployments.runtime import ray_workarounds

FOLDER = Path(ray_workarounds.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))
#: Three facts, in this order, each at the beginning of a line.
FACTS = re.compile(
    r"^Ray: (\S+)\nProblem: .{20,}?^Needless: .{20,}?\Z", re.MULTILINE | re.DOTALL
)


def read_facts(module: str) -> re.Match[str] | None:
    docstring = (FOLDER / f"{module}.py").read_text(encoding="utf-8").split('"""')[1]
    return FACTS.search(docstring)


@pytest.mark.parametrize("module", MODULES)
def test_a_workaround_says_what_would_make_it_needless(module: str) -> None:
    assert read_facts(module) is not None


@pytest.mark.parametrize("module", MODULES)
def test_a_workaround_was_reviewed_for_the_ray_that_is_installed(module: str) -> None:
    # After an upgrade: is the problem still there? Then name the new version.
    facts = read_facts(module)
    assert facts is not None
    assert facts[1] == version("ray")


def test_every_script_belongs_to_a_module_that_says_why_it_is_there() -> None:
    others = {path.stem for path in FOLDER.iterdir() if path.suffix not in ("", ".py")}
    assert others <= set(MODULES)
