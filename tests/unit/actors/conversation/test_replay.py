"""Replaying a history: the same state, or lines that say where it differs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from actors.conversation.codec import encode_event, encode_state, kind_of
from actors.conversation.effects import Decision
from actors.conversation.errors import ReplayError
from actors.conversation.events import Event
from actors.conversation.replay import Step, find_differences, rebuild
from actors.conversation.state import Reply, Status
from tests.support.conversation.conversations import POLICY, Story, at


class WrittenStory(Story):
    """A story whose events are written down."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []

    def apply(self, event: Event) -> Decision:
        """Decide on the event, and write it down."""
        step = Step(len(self.steps) + 1, kind_of(event), encode_event(event))
        self.steps.append(step)
        return super().apply(event)


def replayable() -> tuple[Story, list[Step]]:
    """Tell a story of three events, and write them down."""
    story = WrittenStory()
    story.customer_writes("سلام", 0)
    story.customer_writes("ارسال دارید؟", 1)
    story.operator_answers("بله", 5)
    return story, story.steps


def test_a_history_makes_the_state_that_it_made_before() -> None:
    story, steps = replayable()
    rebuilt = rebuild(steps, POLICY)
    assert rebuilt == story.now
    assert find_differences(encode_state(story.now), rebuilt) == ()


def test_each_value_that_differs_is_a_line() -> None:
    story, steps = replayable()
    stored = replace(
        story.now, status=Status.CLOSED, reply=Reply(at(7)), recent_mids=("mid-1",)
    )
    assert find_differences(encode_state(stored), rebuild(steps, POLICY)) == (
        'status: stored "closed", rebuilt "support_active"',
        'reply: stored {"due_at":"2026-03-21T12:00:07+00:00","job":null},'
        " rebuilt nothing",
        'recent_mids[0]: stored "mid-1", rebuilt nothing',
    )


def test_another_policy_than_then_shows() -> None:
    steps = replayable()[1][:1]
    slower = replace(POLICY, reply_debounce=timedelta(seconds=9))
    stored = encode_state(rebuild(steps, POLICY))
    assert find_differences(stored, rebuild(steps, slower)) == (
        'reply.due_at: stored "2026-03-21T12:00:02+00:00",'
        ' rebuilt "2026-03-21T12:00:09+00:00"',
    )


def test_a_gap_in_the_history_is_told() -> None:
    _, steps = replayable()
    with pytest.raises(ReplayError, match="event 2 is missing; the next one is 3"):
        rebuild([steps[0], steps[2]], POLICY)


def test_an_event_that_opens_nothing_is_told() -> None:
    _, steps = replayable()
    with pytest.raises(ReplayError, match=r"event 1 \(OperatorAnswered\) is refused"):
        rebuild([replace(steps[2], version=1)], POLICY)


@pytest.mark.parametrize(
    "step", [Step(1, "Forgotten", "{}"), Step(1, "CustomerWrote", "{}")]
)
def test_an_event_that_nobody_understands_is_told(step: Step) -> None:
    with pytest.raises(ReplayError, match=rf"event 1 \({step.kind}\) can't be read"):
        rebuild([step], POLICY)


def test_no_events_make_no_state() -> None:
    with pytest.raises(ReplayError, match="no events"):
        rebuild([], POLICY)
