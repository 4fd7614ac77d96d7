"""Markdown and plain text into elements, by markdown-it."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from retrieval.documents.elements import Element, Heading, Lines, Table

# Shops write plain text far more often than Markdown. What plain text would lose is
# switched off: indented lines as code, underlined lines as headings, link definitions.
_PARSER = (
    MarkdownIt("commonmark", {"html": False})
    .enable("table")
    .disable(["code", "lheading", "reference"])
)
# "50*70 and 40*60" are sizes, not emphasis.
_TIMES = re.compile(r"(\d ?)[*](?= ?\d)")


def read_markdown(text: str) -> list[Element]:
    """Read Markdown, or plain text, which is Markdown without marks."""
    tokens = _PARSER.parse(_TIMES.sub(r"\1\\*", text))
    return list(_elements(iter(tokens)))


def _elements(tokens: Iterator[Token]) -> Iterator[Element]:
    #: The last words of each item that is open, the outermost first.
    items: list[str] = []
    level = 0
    for token in tokens:
        match token.type:
            case "list_item_open":
                items.append("")
            case "list_item_close":
                items.pop()
            case "heading_open":
                level = int(token.tag[1])
            case "table_open":
                header, *rows = _rows(tokens)
                yield Table(header, tuple(rows))
            case "fence":
                yield Lines(tuple(token.content.splitlines()))
            case "inline" if level:
                yield Heading(level, _one_line(token))
                level = 0
            case "inline":
                yield _lines(_plain(token), items)
            case _:
                pass


def _lines(text: str, items: list[str]) -> Lines:
    """Make text lines, of the innermost item that is open if there is one."""
    lines = tuple(text.split("\n"))
    if not items:
        return Lines(lines)
    lead = items[-2] if items[1:] else ""
    items[-1] = lines[-1]
    return Lines(lines, is_item=True, lead=lead)


def _rows(tokens: Iterator[Token]) -> Iterator[tuple[str, ...]]:
    """Take the rows of a table from the tokens, up to its end."""
    row: list[str] = []
    for token in tokens:
        match token.type:
            case "inline":
                row.append(_one_line(token))
            case "tr_close":
                yield tuple(row)
                row = []
            case "table_close":
                return
            case _:
                pass


def _one_line(inline: Token) -> str:
    return " ".join(_plain(inline).split())


def _plain(inline: Token) -> str:
    """Return the text of an inline token; a link keeps its address."""
    parts: list[str] = []
    opened: list[tuple[int, str]] = []
    for token in inline.children or ():
        match token.type:
            case "softbreak" | "hardbreak":
                parts.append("\n")
            case "link_open":
                opened.append((len(parts), str(token.attrGet("href") or "")))
            case "link_close":
                start, address = opened.pop()
                label = "".join(parts[start:])
                if address.startswith(("http://", "https://")) and address != label:
                    parts.append(f" ({address})")
            case _:
                parts.append(token.content)
    return "".join(parts)
