"""Draws the state diagrams of `docs/architecture.md` by exploring `decide`.

`python -m tests.support.conversation.state_diagram` renews them in the page. The walk
tries every event in every state, breadth first; states that differ only in ids, times
and texts count as the same state.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias, TypedDict
from uuid import UUID

from actors.conversation import events
from actors.conversation.effects import Decision, RecordSend
from actors.conversation.rules.decide import decide
from actors.conversation.rules.policy import Policy
from actors.conversation.state import (
    Conversation,
    Delivery,
    Destination,
    Feedback,
    Profile,
    Source,
    Status,
)
from actors.errors import ActorError
from persistence.ids import (
    ChannelId,
    ConversationId,
    EventId,
    MessageId,
    SendId,
    TenantId,
    UserId,
)

PAGE = Path(__file__).parents[3] / "docs" / "architecture.md"
NAMES = ("leader", "answer", "delivery-instagram", "delivery-telegram")
#: Two attempts show what the eighth does: the part is given up.
POLICY = Policy(max_send_attempts=2)
#: A longer queue of parts has no other transitions.
MAX_SENDS = 2
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NIL = UUID(int=0)
OUR_TEXT = "ours"
#: Sent in two parts: two words that no part has room for together.
LONG_TEXTS = {
    Source.INSTAGRAM: " ".join(["x" * 600] * 2),
    Source.TELEGRAM: " ".join(["x" * 3000] * 2),
    Source.WEBSITE: OUR_TEXT,
}
_A_PERSON_STEPS_IN = {
    "ConversationRedirected to people",
    "OperatorAnswered",
    "StatusSet support_active",
}
#: Events that nearly always come together in a diagram, and the name of the group.
GROUPS = {
    "take-over": {
        *_A_PERSON_STEPS_IN,
        "AiSwitched off",
        "StatusSet closed",
        "StatusSet marketing_active",
    },
    "a person steps in": _A_PERSON_STEPS_IN,
    "return to the AI": {
        "AiSwitched on",
        "ConversationRedirected to ai",
        "StatusSet active",
    },
    "the owner's echo": {"EchoReceived", "PartDelivered under another mid"},
    "ReplyWritten": {"ReplyWritten", "ReplyWritten as handover"},
}

Node: TypeAlias = str
Edge: TypeAlias = tuple[Node, Node]


@dataclass(frozen=True, slots=True)
class Step:
    """One event tried in one state, and the decision that followed."""

    before: Conversation | None
    event: str
    decision: Decision


class _Happening(TypedDict):
    id: EventId
    conversation_id: ConversationId
    at: datetime


class _Inbound(_Happening):
    tenant_id: TenantId
    channel_id: ChannelId
    source: Source
    customer: str
    mid: str


def possible_events(
    state: Conversation | None, source: Source
) -> Iterator[tuple[str, events.Event]]:
    """Name and build every event that may meet `state`."""
    number = state.version + 1 if state else 1
    each: _Happening = {
        "id": EventId(UUID(int=number)),
        "conversation_id": ConversationId(NIL),
        "at": NOON,
    }
    inbound: _Inbound = {
        **each,
        "tenant_id": TenantId(NIL),
        "channel_id": ChannelId(NIL),
        "source": source,
        "customer": "customer",
        "mid": f"mid-{number}",
    }
    yield "CustomerWrote", events.CustomerWrote(**inbound, text="?")
    if source is Source.INSTAGRAM:
        yield "CustomerShared", events.CustomerShared(**inbound, content="post")
        yield "EchoReceived", events.EchoReceived(**inbound, text="typed by the owner")
        ours = state.sends[0].content if state and state.sends else OUR_TEXT
        yield "EchoReceived of ours", events.EchoReceived(**inbound, text=ours)
    yield "MessageUnsent", events.MessageUnsent(**inbound)
    yield "MessageEdited", events.MessageEdited(**inbound, text="!")
    if state is None:
        return
    user = UserId(NIL)
    yield (
        "OperatorAnswered",
        events.OperatorAnswered(**each, user_id=user, text=LONG_TEXTS[source]),
    )
    yield (
        "ConversationRedirected to ai",
        events.ConversationRedirected(**each, destination=Destination.AI),
    )
    yield (
        "ConversationRedirected to people",
        events.ConversationRedirected(**each, destination=Destination.SALES),
    )
    for status in Status:
        yield f"StatusSet {status}", events.StatusSet(**each, status=status)
    for on, word in ((True, "on"), (False, "off")):
        yield (
            f"AiSwitched {word}",
            events.AiSwitched(**each, user_id=user, ai_enabled=on),
        )
    yield (
        "FeedbackGiven",
        events.FeedbackGiven(
            **each, user_id=user, message_id=MessageId(NIL), feedback=Feedback.POSITIVE
        ),
    )
    yield "CustomerEdited", events.CustomerEdited(**each, user_id=user, fields=())
    yield (
        "ConversationAssigned",
        events.ConversationAssigned(**each, user_id=user, assignee_id=user),
    )
    yield "NoteWritten", events.NoteWritten(**each, user_id=user, text="?")
    hour = NOON + timedelta(hours=1)
    yield (
        "ConversationSnoozed",
        events.ConversationSnoozed(**each, user_id=user, until=hour),
    )
    due_at = state.inbox.snoozed_until or hour
    yield "SnoozeFellDue", events.SnoozeFellDue(**each, due_at=due_at)
    yield "ChannelResumed", events.ChannelResumed(**each)
    yield "ProfileLearned", events.ProfileLearned(**each, profile=Profile("Sara"))
    yield "ProfileMissed", events.ProfileMissed(**each, reason="")
    yield from _answer_events(state, each)
    yield from _delivery_events(state, each)


def _answer_events(
    state: Conversation, each: _Happening
) -> Iterator[tuple[str, events.Event]]:
    if state.pending_share:
        due_at = state.pending_share.due_at
        yield "ShareTimedOut", events.ShareTimedOut(**each, due_at=due_at)
    if state.reply is None:
        return
    yield "ReplyFellDue", events.ReplyFellDue(**each, due_at=state.reply.due_at)
    job = state.reply.job
    if job is None:
        return
    yield "ReplyWritten", events.ReplyWritten(**each, job=job, text=OUR_TEXT)
    yield (
        "ReplyWritten as handover",
        events.ReplyWritten(**each, job=job, text=OUR_TEXT, is_handover=True),
    )
    yield "ReplyFailed", events.ReplyFailed(**each, job=job, reason="")


def _delivery_events(
    state: Conversation, each: _Happening
) -> Iterator[tuple[str, events.Event]]:
    if state.dead:
        yield (
            "SendRetried",
            events.SendRetried(
                **each, user_id=UserId(NIL), message_id=state.dead[-1].message_id
            ),
        )
    if state.sends:
        due_at = state.sends[0].due_at
        yield "SendFellDue", events.SendFellDue(**each, due_at=due_at)
    if state.assumed:
        # The answer to a call comes after the echo that was taken for the part's.
        assumed = state.assumed
        named = events.PartDelivered(**each, send_id=assumed.send_id, mid=assumed.mid)
        yield "PartDelivered", named
        other = events.PartDelivered(**each, send_id=assumed.send_id, mid="another")
        yield "PartDelivered under another mid", other
    for send in (*state.sends[:1], *state.dead):
        if send.delivery is Delivery.QUEUED or not send.attempts:
            continue  # No call is under way.
        yield (
            "PartDelivered",
            events.PartDelivered(**each, send_id=send.id, mid=f"sent-{send.id}"),
        )
        yield (
            "PartOutcomeLost",
            events.PartOutcomeLost(**each, send_id=send.id, reason=""),
        )
        for permanent, word in ((False, "for now"), (True, "for good")):
            yield (
                f"PartRefused {word}",
                events.PartRefused(
                    **each, send_id=send.id, reason="", permanent=permanent
                ),
            )


def explore(source: Source) -> Iterator[Step]:
    """Try every event in every state that `decide` can reach on `source`."""
    seen: set[object] = set()
    waiting: deque[Conversation | None] = deque([None])
    while waiting:
        state = waiting.popleft()
        for name, event in possible_events(state, source):
            try:
                decision = decide(state, event, POLICY)
            except ActorError:
                continue  # Refused: nothing changes.
            yield Step(state, name, decision)
            key = _abstract(decision.state)
            if key not in seen and len(decision.state.sends) <= MAX_SENDS:
                seen.add(key)
                waiting.append(decision.state)


def _abstract(state: Conversation) -> tuple[object, ...]:
    """Reduce a state to what the rules branch on, as far as the diagrams show it."""
    return (
        state.status,
        state.ai_enabled,
        state.reply and bool(state.reply.job),
        bool(state.pending_share),
        bool(state.questions),
        state.assumed is not None,
        tuple(
            (send.delivery, send.attempts, send.is_ai, send.is_withdrawn)
            for send in state.sends
        ),
        bool(state.dead),
    )


def name_leader(state: Conversation | None) -> Node:
    """Name who leads the conversation."""
    if state is None:
        return "[*]"
    return f"{state.status}, AI {'on' if state.ai_enabled else 'off'}"


def name_answer(state: Conversation | None) -> Node:
    """Name how far the answer of the AI has come."""
    if state is None:
        return "[*]"
    if not state.ai_may_answer:
        return "the AI is silent"
    if state.reply:
        return "being written" if state.reply.job else "burst"
    return "share waits" if state.pending_share else "nothing to answer"


def find_changes(
    steps: Iterable[Step], name: Callable[[Conversation | None], Node]
) -> dict[Edge, list[str]]:
    """Collect which events lead from one named state to another."""
    edges: dict[Edge, list[str]] = {}
    for step in steps:
        _add(edges, name(step.before), name(step.decision.state), step.event)
    return edges


def find_deliveries(steps: Iterable[Step]) -> dict[Edge, list[str]]:
    """Collect which events lead a part from one delivery status to another."""
    edges: dict[Edge, list[str]] = {}
    for step in steps:
        before, after = _deliveries(step.before), _deliveries(step.decision.state)
        records = [e for e in step.decision.effects if isinstance(e, RecordSend)]
        sent = {e.send.id: "sent" for e in records if e.send.delivery is Delivery.SENT}
        for send_id, node in (after | sent).items():
            _add(edges, before.get(send_id, "[*]"), node, step.event)
    return edges


def _deliveries(state: Conversation | None) -> dict[SendId, Node]:
    if state is None:
        return {}
    waiting = {send.id: send.delivery.value for send in state.sends}
    dead = {send.id: f"{send.delivery.value}, dead letter" for send in state.dead}
    return waiting | dead


def _add(edges: dict[Edge, list[str]], old: Node, new: Node, event: str) -> None:
    if old != new and event not in edges.setdefault((old, new), []):
        edges[old, new].append(event)


def _shorten(names: Iterable[str]) -> list[str]:
    """Replace a whole group by its name; an echo of our own text adds nothing."""
    left = set(names)
    if "EchoReceived" in left:
        left.discard("EchoReceived of ours")
    for group, members in GROUPS.items():
        if members <= left:
            left = left - members | {group}
    return sorted(left)


def render(edges: dict[Edge, list[str]]) -> str:
    """Write the transitions as a Mermaid diagram."""
    nodes = list(dict.fromkeys(node for edge in edges for node in edge))
    ids = {node: re.sub(r"\W+", "_", node) for node in nodes} | {"[*]": "[*]"}
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{node}" as {ids[node]}' for node in nodes if node != "[*]"]
    for (old, new), names in sorted(edges.items()):
        lines.append(f"    {ids[old]} --> {ids[new]} : {'<br/>'.join(_shorten(names))}")
    return "\n".join([*lines, "```"])


def draw_all(steps: Mapping[Source, Sequence[Step]]) -> dict[str, str]:
    """Draw every diagram of the page, by its name there."""
    instagram, telegram = steps[Source.INSTAGRAM], steps[Source.TELEGRAM]
    diagrams = (
        find_changes(instagram, name_leader),
        find_changes(instagram, name_answer),
        find_deliveries(instagram),
        find_deliveries(telegram),
    )
    return dict(zip(NAMES, map(render, diagrams), strict=True))


def find_block(page: str, name: str) -> str:
    """Return the diagram that the page shows under this name."""
    begin, end = _markers(name)
    return page.partition(begin)[2].partition(end)[0].strip()


def renew(page: str, diagrams: Mapping[str, str]) -> str:
    """Return the page with these diagrams in the place of its own."""
    for name, diagram in diagrams.items():
        begin, end = _markers(name)
        head, _, rest = page.partition(begin)
        tail = rest.partition(end)[2]
        page = f"{head}{begin}\n{diagram}\n{end}{tail}"
    return page


def _markers(name: str) -> tuple[str, str]:
    return f"<!-- diagram: {name} -->", f"<!-- end: {name} -->"


def main() -> None:
    """Renew the diagrams in the page."""
    drawn = draw_all({source: list(explore(source)) for source in Source})
    PAGE.write_text(renew(PAGE.read_text(encoding="utf-8"), drawn), encoding="utf-8")


if __name__ == "__main__":
    main()
