"""The outline of a state: all that the rules know, without anybody's words."""

from typing import TypeAlias

import orjson

from actors.conversation.codec import encode_state
from actors.conversation.state import Conversation

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Outline: TypeAlias = dict[str, Json]

#: Fields that hold words of messages, or texts that were made of them. A test names all
#: other texts of a state: a new field is judged before it is shown.
WORDED = frozenset(
    {"content", "text", "captions", "values", "attributes", "tag", "fault"}
)


def build_outline(state: Conversation) -> Outline:
    """Return the state as JSON values, without the fields that hold words.

    Words may have been unsent since. Those of the shop are still in its events, since a
    replay needs them, so a rebuilt state would show them again.
    """
    fields: Outline = orjson.loads(encode_state(state))
    return {name: _strip(part) for name, part in fields.items()}


def _strip(value: Json) -> Json:
    match value:
        case dict():
            return {
                name: _strip(part) for name, part in value.items() if name not in WORDED
            }
        case list():
            return [_strip(item) for item in value]
        case _:
            return value
