"""Rebuilds a conversation from its events, and compares its states."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import orjson

from actors.conversation.codec import decode_event, decode_state, encode_state
from actors.conversation.errors import ReplayError
from actors.conversation.rules.decide import decide
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.workflows.following import NO_BOOK, Book
from actors.conversation.state import Conversation
from actors.errors import ActorError
from persistence.history import StoredEvent

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


@dataclass(frozen=True, slots=True)
class RebuiltStep:
    """The states before and after an event; none is before the first."""

    before: Conversation | None
    after: Conversation


def rebuild(
    steps: Sequence[StoredEvent], policy: Policy, book: Book = NO_BOOK
) -> Conversation:
    """Apply the events again, oldest first; `book` has the workflows that they name.

    Raises:
        ReplayError: an event is missing, unknown, or refused by today's rules.
    """
    return rebuild_step(steps, policy, book).after


def rebuild_step(
    steps: Sequence[StoredEvent], policy: Policy, book: Book = NO_BOOK
) -> RebuiltStep:
    """Apply the events again, oldest first; return the states around the last one.

    Raises:
        ReplayError: as `rebuild` does.
    """
    before: Conversation | None = None
    state: Conversation | None = None
    for number, step in enumerate(steps, start=1):
        if step.version != number:
            message = f"event {number} is missing; the next one is {step.version}"
            raise ReplayError(message)
        before = state
        try:
            event = decode_event(step.kind, step.payload)
            state = decide(state, event, policy, book).state
        except (KeyError, ValueError) as error:
            message = f"event {number} ({step.kind}) can't be read: {error}"
            raise ReplayError(message) from error
        except ActorError as error:
            message = f"event {number} ({step.kind}) is refused now: {error}"
            raise ReplayError(message) from error
    if state is None:
        message = "there are no events"
        raise ReplayError(message)
    return RebuiltStep(before, state)


def find_differences(stored: str, rebuilt: Conversation) -> tuple[str, ...]:
    """Return one line per value in which the stored state, as JSON text, differs."""
    # Read and written once more, so that a field which is younger has its default.
    before: Json = orjson.loads(encode_state(decode_state(stored)))
    after: Json = orjson.loads(encode_state(rebuilt))
    return tuple(
        f"{path}: stored {_write(one)}, rebuilt {_write(other)}"
        for path, one, other in _compare("", before, after)
    )


def find_changed_paths(step: RebuiltStep) -> tuple[str, ...]:
    """Return the paths of the values that the event changed, such as `sends[0].part`.

    Items of lists are compared by their places. The first event changes all values.
    """
    before: Json = orjson.loads(encode_state(step.before)) if step.before else {}
    after: Json = orjson.loads(encode_state(step.after))
    return tuple(path for path, _, _ in _compare("", before, after))


def _compare(path: str, before: Json, after: Json) -> Iterator[tuple[str, Json, Json]]:
    match before, after:
        case dict(), dict():
            for name in before | after:
                inner = f"{path}.{name}" if path else name
                yield from _compare(inner, before.get(name), after.get(name))
        case list(), list():
            for index in range(max(len(before), len(after))):
                yield from _compare(
                    f"{path}[{index}]", _item(before, index), _item(after, index)
                )
        case _:
            if before != after:
                yield path, before, after


def _item(items: list[Json], index: int) -> Json:
    return items[index] if index < len(items) else None


def _write(value: Json) -> str:
    return "nothing" if value is None else orjson.dumps(value).decode()
