"""Every fault of the system that this one replaces is a test that names it."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
#: Share, AI switch and redirect, delivery: those that the conversation answers for.
FAULTS = (
    *("s1", "s2", "s3", "s4", "s5", "s7"),
    *("r1", "r2", "r4", "r5", "r6", "r7"),
    *("d1", "d2", "d3", "d4", "d5", "d6"),
)


@pytest.fixture(scope="module")
def names() -> list[str]:
    return [
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"def test_(\w+)", path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_by_a_test(fault: str, names: list[str]) -> None:
    pattern = re.compile(rf"(predecessor_faults?_)?{fault}_")
    assert any(pattern.match(name) for name in names)
