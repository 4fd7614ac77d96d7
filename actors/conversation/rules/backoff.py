"""How long a part that did not leave waits, and what ends the waiting."""

from dataclasses import replace
from datetime import timedelta

from actors.conversation.effects import Decision, SetTimer
from actors.conversation.events import ChannelResumed, PartRefused
from actors.conversation.rules.policy import Policy
from actors.conversation.state import Conversation, Delivery, Send, TimerKind


def backoff(attempts: int, longest: timedelta) -> timedelta:
    """Return the pause after `attempts` failures: 2 s, 4 s, 8 s … up to `longest`."""
    return min(timedelta(seconds=2.0 ** min(attempts, 16)), longest)


def pause_after(send: Send, event: PartRefused, policy: Policy) -> timedelta:
    """Return how long the part waits, as it is after it was refused.

    A channel may be paused for days, or at its limit for an hour, and each look at it
    is an event of each of its conversations: they look ever more rarely, but often
    enough for who waits.
    """
    if event.retry_after is None:
        return backoff(send.attempts, policy.max_backoff)
    if not (event.is_held or event.is_limited):
        return event.retry_after
    doublings = min(send.holds + send.limits - 1, 16)
    patient = event.retry_after * (1 << doublings)
    return min(patient, max(policy.max_backoff, event.retry_after))


def on_channel_resumed(state: Conversation, event: ChannelResumed) -> Decision:
    """Send what a pause held back now, and not only at the next look."""
    if not state.sends:
        return Decision(state)
    head = state.sends[0]
    # What the platform itself put off is not hurried: it said when to come again.
    if head.delivery is not Delivery.QUEUED or not head.holds:
        return Decision(state)
    head = replace(head, holds=0, due_at=event.at)
    state = replace(state, sends=(head, *state.sends[1:]))
    return Decision(state, (SetTimer(TimerKind.SEND, event.at),))
