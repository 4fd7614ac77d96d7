"""The simulation finds planted bugs, so its silence about the code means something."""

import pytest

from tests.simulation.history import run_history
from tests.simulation.mutants import MUTANTS

#: Of 2,000 histories a bug that shows in one of 400 is found five times over.
SEEDS = 400


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS[name](monkeypatch)
    assert any(run_history(seed).failure for seed in range(SEEDS)), name
