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
_TIMES = re.compile(r"(?<=[\d\s])[*](?=[\d\s])")


def read_markdown(text: str) -> list[Element]:
    """Read Markdown, or plain text, which is Markdown without marks."""
    tokens = _PARSER.parse(_TIMES.sub(r"\\*", text))
    return list(_elements(iter(tokens)))


def _elements(tokens: Iterator[Token]) -> Iterator[Element]:
    items = 0
    level = 0
    for token in tokens:
        match token.type:
            case "list_item_open" | "list_item_close":
                items += token.nesting
            case "heading_open":
                level = int(token.tag[1])
            case "heading_close":
                level = 0
            case "table_open":
                header, *rows = _rows(tokens)
                yield Table(header, tuple(rows))
            case "fence":
                yield Lines(tuple(token.content.splitlines()))
            case "inline" if level:
                yield Heading(level, _one_line(token))
            case "inline":
                yield Lines(tuple(_plain(token).split("\n")), is_item=items > 0)
            case _:
                pass


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
