"""Matches what happened against the triggers of a tenant's active workflows."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from actors.workflow.comparisons import find_windows, fold_keyword
from actors.workflow.definition import (
    AddTag,
    ConversationStatus,
    Definition,
    Limits,
    NewCustomer,
    Platform,
    ReceiveMessage,
    StatusChanged,
    TriggerKind,
    VersionRef,
    When,
)


@dataclass(frozen=True, slots=True)
class ActiveWorkflow:
    """The version of a workflow that is active."""

    ref: VersionRef
    definition: Definition


@dataclass(frozen=True, slots=True)
class Start:
    """A workflow that begins, by the trigger of one of its nodes.

    The customer must have one of `tags`, if any are named: that is looked up later.
    """

    ref: VersionRef
    node: str
    kind: TriggerKind
    limits: Limits
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Message:
    """A trigger by messages; `place` is its order among all of them."""

    place: int
    start: Start
    trigger: ReceiveMessage | NewCustomer


@dataclass(frozen=True, slots=True)
class TriggerTable:
    """The triggers of a tenant. It is false if there are none.

    Triggers with keywords are found by these: a message is folded once, however many
    workflows there are.
    """

    plain: tuple[_Message, ...] = ()
    by_keyword: Mapping[str, tuple[_Message, ...]] = field(default_factory=dict)
    tags: tuple[tuple[Start, AddTag], ...] = ()
    statuses: tuple[tuple[Start, StatusChanged], ...] = ()

    def __bool__(self) -> bool:
        """Whether anything may trigger a workflow."""
        return bool(self.plain or self.by_keyword or self.tags or self.statuses)


NO_TRIGGERS = TriggerTable()


def compile_triggers(active: Iterable[ActiveWorkflow]) -> TriggerTable:
    """Compile the triggers of workflows, in their order."""
    plain: list[_Message] = []
    by_keyword: dict[str, tuple[_Message, ...]] = {}
    tags: list[tuple[Start, AddTag]] = []
    statuses: list[tuple[Start, StatusChanged]] = []
    places = itertools.count()
    for workflow in active:
        for node in workflow.definition.nodes:
            if not isinstance(node, When):
                continue
            match node.trigger:
                case ReceiveMessage(keywords=keywords, tags=wanted) as trigger:
                    start = _start(workflow, node, wanted)
                    message = _Message(next(places), start, trigger)
                    for keyword in map(fold_keyword, keywords):
                        found = by_keyword.get(keyword, ())
                        by_keyword[keyword] = (*found, message)
                    if not keywords:
                        plain.append(message)
                case NewCustomer() as trigger:
                    start = _start(workflow, node)
                    plain.append(_Message(next(places), start, trigger))
                case AddTag() as trigger:
                    tags.append((_start(workflow, node), trigger))
                case StatusChanged() as trigger:
                    statuses.append((_start(workflow, node), trigger))
                case _:
                    pass  # The schedule and the API start these.
    return TriggerTable(tuple(plain), by_keyword, tuple(tags), tuple(statuses))


def find_message_starts(
    table: TriggerTable,
    text: str,
    platform: Platform,
    status: ConversationStatus,
    *,
    is_new_customer: bool,
    is_text: bool,
) -> tuple[Start, ...]:
    """Return which workflows a message starts, each by one of its triggers.

    `text` is empty for media without words, which only fit triggers without keywords.
    Where there is no message at all (`is_text` is false), only new customers count.
    """
    found: dict[VersionRef, Start] = {}
    candidates = sorted(_candidates(table, text), key=lambda one: one.place)
    for message in candidates:
        trigger = message.trigger
        if trigger.channels and platform not in trigger.channels:
            continue
        if isinstance(trigger, NewCustomer):
            fits = is_new_customer
        else:
            fits = is_text and (not trigger.statuses or status in trigger.statuses)
        if not fits:
            continue
        # Being new is the rarer occasion, and tells the run more.
        if isinstance(trigger, NewCustomer) or message.start.ref not in found:
            found[message.start.ref] = message.start
    return tuple(found.values())


def find_tag_starts(table: TriggerTable, tag: str) -> tuple[Start, ...]:
    """Return which workflows a new tag starts."""
    return _once(
        start
        for start, trigger in table.tags
        if not trigger.tags or tag in trigger.tags
    )


def find_status_starts(
    table: TriggerTable, status: ConversationStatus
) -> tuple[Start, ...]:
    """Return which workflows a new status of a conversation starts."""
    return _once(
        start
        for start, trigger in table.statuses
        if not trigger.statuses or status in trigger.statuses
    )


def _candidates(table: TriggerTable, text: str) -> Iterator[_Message]:
    yield from table.plain
    if table.by_keyword and text.strip():
        for window in find_windows(text) & table.by_keyword.keys():
            yield from table.by_keyword[window]


def _start(workflow: ActiveWorkflow, node: When, tags: tuple[str, ...] = ()) -> Start:
    kind = TriggerKind(node.trigger.kind)
    return Start(workflow.ref, node.id, kind, workflow.definition.limits, tags)


def _once(starts: Iterable[Start]) -> tuple[Start, ...]:
    first: dict[VersionRef, Start] = {}
    for start in starts:
        first.setdefault(start.ref, start)
    return tuple(first.values())
