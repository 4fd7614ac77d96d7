"""The trace of a simulated history, rendered when a check fails."""

from collections.abc import Callable
from dataclasses import fields
from uuid import UUID

from actors.conversation.events import ConversationEvent
from persistence.ids import ConversationId

#: Fields that the heading of an event shows, or that help no reader.
_OMITTED = frozenset(
    {"id", "conversation_id", "at", "tenant_id", "channel_id", "source", "customer"}
)
MAX_VALUE_CHARS = 150


class Trace:
    """Lines with the virtual second of each; texts are rendered late."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lines: list[tuple[float, str, tuple[object, ...]]] = []
        self._names: dict[UUID, str] = {}

    def name(self, conversation: ConversationId, name: str) -> None:
        """Call the conversation by its customer's name."""
        self._names[conversation] = name

    def write(self, words: str, *things: object) -> None:
        """Add a line; `words` has one `{}` per thing."""
        self._lines.append((self._now(), words, things))

    def render(self) -> str:
        """Return the trace as text."""
        return "\n".join(
            f"{at:9.3f}  {words.format(*(self._render(thing) for thing in things))}"
            for at, words, things in self._lines
        )

    def _render(self, thing: object) -> str:
        match thing:
            case UUID():
                return self._names.get(thing, f"#{short(thing)}")
            case BaseException():
                return f"{type(thing).__name__}({thing})"
            case ConversationEvent():
                return self._render_event(thing)
            case list() | tuple():
                return ", ".join(self._render(item) for item in thing)
            case _:
                text = str(thing)
                is_long = len(text) > MAX_VALUE_CHARS
                return f"{text[: MAX_VALUE_CHARS - 1]}…" if is_long else text

    def _render_event(self, event: ConversationEvent) -> str:
        heading = f"{type(event).__name__} #{short(event.id)}"
        values = [
            f"{field.name}={self._render(getattr(event, field.name))}"
            for field in fields(event)
            if field.name not in _OMITTED
        ]
        name = self._render(event.conversation_id)
        return f"{heading} of {name} ({', '.join(values)})"


def short(value: UUID) -> str:
    """Return the first letters of an id: enough to follow it through a trace."""
    return str(value)[:6]
