"""Thousands of histories keep every promise; a seed repeats its history."""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.simulation.history import Outcome, run_history

SEED = os.environ.get("SIMULATION_SEED")
FIRST_SEED = int(os.environ.get("SIMULATION_FIRST_SEED", "0"))
SEEDS = int(os.environ.get("SIMULATION_SEEDS", "2000"))
#: One process per core of the reference machine.
PROCESSES = min(2, os.cpu_count() or 1)
CHUNK = 50


def run_all(seeds: range) -> Iterator[Outcome]:
    """Run the histories of these seeds, in two processes if they are many."""
    if len(seeds) <= CHUNK:
        yield from map(run_history, seeds)
        return
    # A forked copy of this process would share its event loops and threads.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as pool:
        yield from pool.map(run_history, seeds, chunksize=CHUNK)


def describe(outcome: Outcome) -> str:
    """Return a failed history's trace, and how to repeat it."""
    again = f"SIMULATION_SEED={outcome.seed} pytest tests/simulation/test_histories.py"
    return f"{outcome.trace}\n\n{outcome.failure}\nAgain: {again}"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_history_keeps_every_promise() -> None:
    seeds = range(FIRST_SEED, FIRST_SEED + SEEDS)
    if SEED is not None:
        seeds = range(int(SEED), int(SEED) + 1)
    failed = [outcome for outcome in run_all(seeds) if outcome.failure]
    # The shortest trace is the easiest to read.
    failed.sort(key=lambda outcome: outcome.steps)
    failures = [f"seed {outcome.seed}: {outcome.failure}" for outcome in failed]
    assert not failed, "\n".join((describe(failed[0]), *failures))


def test_a_seed_makes_the_same_history_each_time() -> None:
    first, again = (run_history(7, trace_always=True) for _ in range(2))
    assert first == again
    assert "CustomerWrote" in first.trace


def test_another_seed_makes_another_history() -> None:
    assert run_history(7) != run_history(8)
