"""Telegram's formatted texts as plain text: entities, rich texts and rich blocks.

Source: Telegram, Bot API 10.3, MessageEntity, RichText and RichBlock.
"""

from collections.abc import Mapping
from itertools import chain

from actors.conversation import events
from actors.conversation.rules.placeholders import PLACEHOLDERS, Note, describe_act
from actors.conversation.state import MessageType
from deployments.integrations.lenient_json import (
    Json,
    read_object,
    read_objects,
    read_text,
)

#: Deeper than anybody nests, and far from Python's own limit.
MAX_DEPTH = 24
#: Telegram marks a hundred places of a text at most; each link costs a copy of it.
MAX_LINKS = 200
#: Blocks whose words are read as they stand; empty ones show nothing.
KNOWN_BLOCKS = frozenset(
    {
        "paragraph",
        "heading",
        "pre",
        "footer",
        "divider",
        "mathematical_expression",
        "anchor",
        "list",
        "blockquote",
        "expandable_blockquote",
        "pullquote",
        "collage",
        "slideshow",
        "table",
        "details",
        "map",
        "buttons",
        "thinking",
    }
)
#: Blocks that show a file, by the member that holds it.
MEDIA_BLOCKS: Mapping[str, tuple[str, MessageType]] = {
    "photo": ("photo", MessageType.IMAGE),
    "video": ("video", MessageType.VIDEO),
    "animation": ("animation", MessageType.VIDEO),
    "audio": ("audio", MessageType.VOICE),
    "voice_note": ("voice_note", MessageType.VOICE),
    "document": ("document", MessageType.TEXT),
}
#: Members of a text or a block that say something, in the order of reading.
_WORDS = (
    "summary",
    "label",
    "text",
    "alternative_text",
    "expression",
    "caption",
    "button",
    "buttons",
    "blocks",
    "items",
    "cells",
    "credit",
)


def write_links(text: object, entities: object) -> str:
    """Return the text with the address of each hidden link behind its words.

    Offsets count UTF-16 units; what lies outside the text is left out.
    """
    plain = text if isinstance(text, str) else ""
    units = plain.encode("utf-16-le", "replace")
    links: list[tuple[int, str]] = []
    for entity in read_objects(entities):
        start, length = entity.get("offset"), entity.get("length")
        url = read_text(entity.get("url"))
        if entity.get("type") != "text_link" or not url:
            continue
        if not isinstance(start, int) or not isinstance(length, int) or start < 0:
            continue
        end = 2 * (start + length)
        words = units[2 * start : end].decode("utf-16-le", "replace")
        if length > 0 and end <= len(units) and not _shows(words, url):
            # Behind the last word, not behind the space that was marked with it.
            links.append((end - 2 * (len(words) - len(words.rstrip())), url))
        if len(links) == MAX_LINKS:
            break
    for end, url in sorted(links, reverse=True):
        units = units[:end] + f" ({url})".encode("utf-16-le") + units[end:]
    return units.decode("utf-16-le", "replace")


def flatten_text(value: object, depth: int = 0) -> str:
    """Return a RichText as plain text: a string, a list of them, or an object."""
    if depth > MAX_DEPTH and value:
        return Note.UNKNOWN
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(flatten_text(item, depth + 1) for item in value)
    if not isinstance(value, dict):
        return ""
    member = read_object(value)
    words = (member.get(name) for name in ("text", "alternative_text", "expression"))
    text = "".join(flatten_text(word, depth + 1) for word in words)
    if not text:
        text = flatten_text(member.get("button"), depth + 1)
    url = read_text(member.get("url"))
    return f"{text} ({url})" if url and not _shows(text, url) else text


def flatten_blocks(value: object, depth: int = 0) -> str:
    """Return rich blocks as lines of plain text, and a placeholder for what has none.

    Columns of a table are parted by " | ".
    """
    if depth > MAX_DEPTH and value:
        return Note.UNKNOWN
    if not isinstance(value, list):
        return ""
    lines = (_flatten_block(block, depth) for block in value)
    return "\n".join(filter(None, lines))


def find_files(value: object, depth: int = 0) -> tuple[events.Media, ...]:
    """Return the files that rich blocks show, in their order."""
    if depth > MAX_DEPTH or not isinstance(value, list):
        return ()
    found = (_find_file(read_object(block), depth) for block in value)
    return tuple(chain.from_iterable(found))


def _flatten_block(value: object, depth: int) -> str:
    block = read_object(value)
    kind = read_text(block.get("type"))
    flatten = _flatten_map if kind == "map" else _flatten_any
    text = _trim(flatten(block, depth + 1))
    if kind in MEDIA_BLOCKS:
        text = _join(PLACEHOLDERS[MEDIA_BLOCKS[kind][1]], text)
    # A person must see that something stood here.
    if text or kind in KNOWN_BLOCKS:
        return text
    return describe_act(kind)


def _flatten_any(block: Json, depth: int) -> str:
    """Flatten a block by the members that blocks hold words in, known or not."""
    return _join(*(_flatten_member(block, name, depth) for name in _WORDS))


def _flatten_member(block: Json, name: str, depth: int) -> str:
    value = block.get(name)
    if name == "blocks":
        return flatten_blocks(value, depth)
    if name == "caption" and isinstance(value, dict) and "type" not in value:
        caption = read_object(value)
        return _join(*(flatten_text(caption.get(part)) for part in ("text", "credit")))
    if name == "items":
        return _flatten_list(block, depth)
    if name == "cells":
        return _flatten_table(block, depth)
    if name == "buttons":
        return _flatten_buttons(block, depth)
    return flatten_text(value, depth)


def _flatten_list(block: Json, depth: int) -> str:
    lines = []
    for item in read_objects(block.get("items")):
        body = flatten_blocks(item.get("blocks"), depth) or flatten_text(
            item.get("text"), depth
        )
        label = read_text(item.get("label"))
        lines.append(f"{label} {body}".strip())
    return _join(*lines)


def _flatten_table(block: Json, depth: int) -> str:
    rows = block.get("cells")
    lines = []
    for row in rows if isinstance(rows, list) else ():
        cells = [
            " ".join(flatten_text(cell.get("text"), depth).split())
            for cell in read_objects(row)
        ]
        lines.append(" | ".join(cells) if any(cells) else "")
    return _join(*lines)


def _flatten_buttons(block: Json, depth: int) -> str:
    buttons = read_objects(block.get("buttons"))
    return " | ".join(filter(None, (flatten_text(one, depth) for one in buttons)))


def _flatten_map(block: Json, depth: int) -> str:
    place = read_object(block.get("location"))
    spots = [place.get("latitude"), place.get("longitude")]
    position = " ".join(str(spot) for spot in spots if isinstance(spot, int | float))
    caption = _flatten_member(block, "caption", depth)
    return _join(f"{Note.LOCATION} {position}".strip(), caption)


def _find_file(block: Json, depth: int) -> tuple[events.Media, ...]:
    member, kind = MEDIA_BLOCKS.get(read_text(block.get("type")), ("", None))
    if kind is not None:
        file_id = read_file_id(block.get(member))
        return (events.Media(kind, media_id=file_id),) if file_id else ()
    items = (
        find_files(item.get("blocks"), depth + 2)
        for item in read_objects(block.get("items"))
    )
    return (
        *find_files(block.get("blocks"), depth + 1),
        *chain.from_iterable(items),
    )


def read_file_id(value: object) -> str:
    """Read a file's id; a photo comes in several sizes, the smallest first."""
    file = read_object(value[-1] if isinstance(value, list) and value else value)
    return read_text(file.get("file_id"))


def _shows(words: str, url: str) -> bool:
    """Whether the words are the address itself, with or without its ends."""
    bare = url.partition("://")[2] or url
    return bare.strip("/") in words


def _trim(text: str) -> str:
    return "\n".join(filter(None, (line.strip() for line in text.splitlines())))


def _join(*lines: str) -> str:
    return "\n".join(filter(None, lines))
