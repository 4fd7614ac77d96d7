"""The diagrams of `docs/architecture.md` say what `decide` does."""

from typing import get_args

import pytest

from actors.conversation.events import Event
from actors.conversation.state import Source, check_invariants
from tests.support.conversation.state_diagram import (
    PAGE,
    Step,
    draw_all,
    explore,
    find_block,
)

RENEW = (
    "run `python -m tests.support.conversation.state_diagram` and look at what changed"
)


@pytest.fixture(scope="module")
def steps() -> dict[Source, list[Step]]:
    return {source: list(explore(source)) for source in Source}


def test_the_diagrams_of_the_page_are_what_decide_does(
    steps: dict[Source, list[Step]],
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name, diagram in draw_all(steps).items():
        assert find_block(page, name) == diagram, RENEW


@pytest.mark.parametrize("source", Source)
def test_every_state_that_the_walk_reaches_keeps_the_invariants(
    steps: dict[Source, list[Step]], source: Source
) -> None:
    for step in steps[source]:
        check_invariants(step.decision.state)


def test_the_walk_tries_every_event(steps: dict[Source, list[Step]]) -> None:
    tried = {step.event.split()[0] for step in steps[Source.INSTAGRAM]}
    # Behind an erasure there is no state; runs have a machine of their own.
    others = {event.__name__ for event in get_args(Event)} - {"CustomerErased"}
    assert tried == {name for name in others if not name.startswith("Workflow")}
