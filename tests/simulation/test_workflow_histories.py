"""Histories with workflows keep every promise, and planted bugs are found in them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from actors.conversation.rules.workflows import following, meanings, triggers
from actors.conversation.shard.batch_builder import BatchBuilder
from actors.conversation.shard.shard import Shard
from actors.workflow import advance, nodes, waits
from actors.workflow.definition import EdgeKind
from actors.workflow.run import Phase, Run, Token
from actors.workflow.walk import Walk
from tests.simulation.history import run_history
from tests.simulation.workflows import WorkflowWorld

SEEDS = 200
#: A planted bug must show in one of so many histories.
MUTANT_SEEDS = 100

Plant = Callable[[pytest.MonkeyPatch], None]
_leave, _commit = nodes.leave, Shard._commit


def the_ai_talks_during_a_wait(patch: pytest.MonkeyPatch) -> None:
    """The lease is ignored."""
    patch.setattr(Run, "holds_reply", property(lambda _: False))


def a_person_ends_no_wait(patch: pytest.MonkeyPatch) -> None:
    """The run goes on asking after a person has answered."""
    patch.setattr(meanings, "_is_taken_over", lambda *_: False)


def the_workflow_timer_is_not_armed(patch: pytest.MonkeyPatch) -> None:
    """Nothing wakes a run: fault W1 of the predecessor."""
    patch.setattr(following._Stage, "_set_timer", lambda *_: None)


def an_answer_triggers_others(patch: pytest.MonkeyPatch) -> None:
    """Fault W3 of the predecessor: an answer is a message like any other."""
    patch.setattr(following._Stage, "_close", lambda *_: None)
    patch.setattr(triggers, "_awaits_words", lambda _: False)


def a_branch_is_dropped(patch: pytest.MonkeyPatch) -> None:
    """Of several connections one is followed: fault W2 of the predecessor."""

    def leave_one(walk: Walk, token: Token, edge: EdgeKind) -> None:
        targets = walk.graph.follow(token.node, edge)
        walk.drop(token)
        for target in targets[:1]:
            nodes.enter(walk, replace(token, node=target))

    patch.setattr(nodes, "leave", leave_one)


def a_failure_is_a_success(patch: pytest.MonkeyPatch) -> None:
    """No failure edge is followed: fault W2 of the predecessor."""

    def leave(walk: Walk, token: Token, edge: EdgeKind) -> None:
        _leave(walk, token, EdgeKind.SUCCESS if edge is EdgeKind.FAILURE else edge)

    patch.setattr(nodes, "leave", leave)


def lost_work_is_not_done_again(patch: pytest.MonkeyPatch) -> None:
    """What a crash took with it is waited for, for ever."""

    def wait_on(walk: Walk, token: Token) -> None:
        walk.put(replace(token, due_at=walk.now + timedelta(days=1)))

    patch.setattr(advance, "_read_again", wait_on)


def work_begins_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    """A webhook is called before it is recorded that it is."""

    async def commit(self: Shard, builder: BatchBuilder, seq: int, events: int) -> None:
        commands, builder.commands = builder.commands, []
        for conversation, command in commands:
            self._effect_runner.run(builder.states[conversation], command)
        await _commit(self, builder, seq, events)

    patch.setattr(Shard, "_commit", commit)


def a_wait_has_no_end(patch: pytest.MonkeyPatch) -> None:
    """A time-out asks once more: fault W1 of the predecessor."""

    def ask_again(walk: Walk, token: Token, *_: object) -> None:
        again = replace(token, due_at=walk.now + timedelta(minutes=1))
        walk.put(replace(again, phase=Phase.ASKED))

    patch.setattr(waits, "on_due", ask_again)


MUTANTS: Mapping[str, Plant] = {
    plant.__name__: plant
    for plant in (
        the_ai_talks_during_a_wait,
        a_person_ends_no_wait,
        the_workflow_timer_is_not_armed,
        an_answer_triggers_others,
        a_branch_is_dropped,
        a_failure_is_a_success,
        lost_work_is_not_done_again,
        work_begins_before_the_commit,
        a_wait_has_no_end,
    )
}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_history_with_workflows_keeps_every_promise() -> None:
    for seed in range(SEEDS):
        outcome = run_history(seed, world_of=WorkflowWorld)
        assert not outcome.failure, f"{outcome.trace}\nseed {seed}: {outcome.failure}"


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_of_workflows_is_found(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    MUTANTS[name](monkeypatch)
    assert any(
        run_history(seed, world_of=WorkflowWorld).failure
        for seed in range(MUTANT_SEEDS)
    ), name
