"""HTML pages into elements: the content alone, without menus, notices and footers."""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from retrieval.documents.elements import Element, Heading, Lines, Pair, Table

#: Never content, wherever they stand.
_CHROME = (
    "script, style, noscript, template, svg, iframe, nav, footer, aside, form, button, "
    "select, [hidden], [aria-hidden=true], [role=navigation], [role=banner], "
    "[role=contentinfo], [role=search], [role=dialog]"
)
_NOTICE = re.compile(
    r"(?:^|[^a-z])(?:cookies?|consent|gdpr|newsletter|breadcrumbs?|menu|navbar|sidebar"
    r"|popup|modal|social|ck)(?:[^a-z]|$)",
    re.IGNORECASE,
)
_BLOCKS = frozenset(
    {"address", "article", "blockquote", "body", "center", "dd", "details", "div"}
    | {"dl", "dt", "fieldset", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5"}
    | {"h6", "header", "hr", "html", "li", "main", "ol", "p", "pre", "section"}
    | {"summary", "table", "ul"}
)
_LOOKS_LIKE = re.compile(
    r"<(?:!doctype|html|head|body|div|section|main|article|p|br|h[1-6]|ul|ol|li|table"
    r"|tr|td|dl|dt|dd|details|summary|span|strong|a)\b[^<>]*>",
    re.IGNORECASE,
)


def looks_like_html(text: str) -> bool:
    """Tell HTML from text that merely holds a `<`."""
    return len(_LOOKS_LIKE.findall(text[:20_000])) > 1


def read_html(text: str) -> list[Element]:
    """Read a page; only `<main>` or `<article>` where the page has one."""
    parser = LexborHTMLParser(text)
    body = parser.body
    if body is None:
        return []
    root = body.css_first("main, [role=main]") or body.css_first("article") or body
    for node in root.css(_CHROME):
        node.decompose()
    for node in root.css("[class], [id]"):
        marks = f"{node.attributes.get('class')} {node.attributes.get('id')}"
        if node.tag not in {"body", "main", "article"} and _NOTICE.search(marks):
            node.decompose()
    return list(_walk(root, is_item=False))


def _walk(node: LexborNode, *, is_item: bool) -> Iterator[Element]:
    """Yield a node's elements; text beside blocks is a paragraph of its own."""
    pending: list[str] = []
    for child in node.iter(include_text=True):
        if child.tag not in _BLOCKS and not _has_blocks(child):
            pending.append("\n" if child.tag == "br" else _inline(child))
            continue
        yield from _flush(pending, is_item=is_item)
        yield from _block(child, is_item=is_item)
    yield from _flush(pending, is_item=is_item)


def _block(node: LexborNode, *, is_item: bool) -> Iterator[Element]:
    match node.tag:
        case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
            if text := _one_line(node):
                yield Heading(int(node.tag[1]), text)
        case "table":
            yield from _table(node)
        case "details":
            yield from _details(node)
        case "dl":
            yield from _definitions(node)
        case "li":
            yield from _walk(node, is_item=True)
        case _:
            yield from _walk(node, is_item=is_item)


def _table(node: LexborNode) -> Iterator[Element]:
    header: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = []
    for row in node.css("tr"):
        cells = [cell for cell in row.iter() if cell.tag in {"td", "th"}]
        texts = tuple(_one_line(cell) for cell in cells)
        if not any(texts):
            continue
        if not header and not rows and all(cell.tag == "th" for cell in cells):
            header = texts
        else:
            rows.append(texts)
    if not header and len(rows) > 1 and len(rows[0]) > 2:
        header, *rows = rows
    if rows:
        yield Table(header, tuple(rows))


def _details(node: LexborNode) -> Iterator[Element]:
    summary = node.css_first("summary")
    question = _one_line(summary) if summary is not None else ""
    if summary is not None:
        summary.decompose()
    answer = _one_line(node)
    if question and answer:
        yield Pair(question, answer)
    elif question or answer:
        yield Lines((question or answer,))


def _definitions(node: LexborNode) -> Iterator[Element]:
    term = ""
    for child in node.iter():
        if child.tag == "dt":
            term = _one_line(child)
        elif child.tag == "dd" and term:
            yield Pair(term, _one_line(child))


def _has_blocks(node: LexborNode) -> bool:
    return any(
        child.tag in _BLOCKS for child in node.traverse() if child.mem_id != node.mem_id
    )


def _inline(node: LexborNode) -> str:
    """Return a node's text; a link keeps its address where the text does not say it."""
    if node.tag == "-text":
        return re.sub(r"[ \t\r\n]+", " ", node.text(deep=False) or "")
    if node.tag == "br":
        return "\n"
    text = "".join(_inline(child) for child in node.iter(include_text=True))
    address = (node.attributes.get("href") or "") if node.tag == "a" else ""
    if address.startswith(("http://", "https://")) and address not in text:
        text += f" ({address})"
    return text


def _one_line(node: LexborNode) -> str:
    return " ".join(_deep_text(node).split())


def _deep_text(node: LexborNode) -> str:
    """Return the text below a node, blocks apart from each other by blanks."""
    if node.tag == "-text" or (node.tag not in _BLOCKS and not _has_blocks(node)):
        return _inline(node)
    inner = "".join(_deep_text(child) for child in node.iter(include_text=True))
    return f" {inner} "


def _flush(pending: list[str], *, is_item: bool) -> Iterator[Element]:
    lines = tuple(" ".join(line.split()) for line in "".join(pending).split("\n"))
    pending.clear()
    if any(lines):
        yield Lines(tuple(line for line in lines if line), is_item=is_item)
