"""HTML pages into elements: the content alone, without menus, notices and footers."""

import re
from collections.abc import Iterator
from dataclasses import replace

from selectolax.lexbor import LexborHTMLParser, LexborNode

from retrieval.documents.elements import Element, Heading, Lines, Pair
from retrieval.documents.html_tables import read_table
from retrieval.documents.lines import is_question
from retrieval.documents.structured_data import read_structured_data
from retrieval.text.normalise import normalise

#: Never content, wherever they stand.
_CHROME = (
    "script, style, noscript, template, svg, iframe, nav, footer, aside, form, select, "
    "[role=navigation], [role=banner], [role=contentinfo], [role=search], [role=dialog]"
)
#: Unseen at first; the closed answers of an accordion are so as well.
_HIDDEN = "[hidden], [aria-hidden=true]"
_FOLDED = re.compile(r"accordion|collaps|faq|answer|panel|toggle|tab-", re.IGNORECASE)
#: Opens an answer below it.
_OPENS = "[aria-expanded], [aria-controls], [data-toggle], [data-bs-toggle]"
_NOTICE = re.compile(
    r"(?:^|[^a-z])(?:cookies?|consent|gdpr|newsletter|breadcrumbs?|menu|navbar|sidebar"
    r"|popup|modal|social|ck)(?:[^a-z]|$)",
    re.IGNORECASE,
)
_BLOCKS = frozenset(
    {"address", "article", "blockquote", "body", "center", "dd", "details", "div"}
    | {"dl", "dt", "fieldset", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5"}
    | {"h6", "header", "hr", "html", "li", "main", "ol", "p", "pre", "section"}
    | {"summary", "table", "ul", "button"}
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
    structured = read_structured_data(parser)
    _drop_chrome(root)
    elements = list(_walk(root, is_item=False))
    # Most pages say the same in print: there it stands among what belongs to it.
    printed = normalise(_one_line(root))
    return [
        *elements,
        *(
            one
            for one in structured
            if not isinstance(one, Pair) or normalise(one.question) not in printed
        ),
    ]


def _drop_chrome(root: LexborNode) -> None:
    for node in root.css(_CHROME):
        node.decompose()
    for node in root.css(_HIDDEN):
        if not _FOLDED.search(_marks(node)) and node.attributes.get("role") is None:
            node.decompose()
    for node in root.css("button"):
        opens = node.css_matches(_OPENS) or _FOLDED.search(_marks(node))
        if not opens and not is_question(_one_line(node)):
            node.decompose()
    for node in root.css("[class], [id]"):
        if node.tag not in {"body", "main", "article"} and _NOTICE.search(_marks(node)):
            node.decompose()


def _marks(node: LexborNode) -> str:
    return f"{node.attributes.get('class')} {node.attributes.get('id')}"


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
        case "button":
            if text := _one_line(node):
                yield Heading(6, text)
        case "table":
            if (table := read_table(node, _one_line)) is not None:
                yield table
        case "details":
            yield from _details(node)
        case "dl":
            yield from _definitions(node)
        case "li":
            yield from _item(node)
        case _:
            yield from _walk(node, is_item=is_item)


def _item(node: LexborNode) -> Iterator[Element]:
    """Yield an item; the items of a list inside it stand below its words."""
    inner = [child for child in node.css("ul, ol") if child.mem_id != node.mem_id]
    if not inner:
        yield from _walk(node, is_item=True)
        return
    below = list(_walk(inner[0], is_item=True))
    for child in inner:
        child.decompose()
    own = list(_walk(node, is_item=True))
    yield from own
    lead = own[-1].lines[-1] if own and isinstance(own[-1], Lines) else ""
    for element in below:
        if isinstance(element, Lines) and not element.lead:
            yield replace(element, lead=lead)
        else:
            yield element


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
    """Yield a list of terms: questions with answers, or `term: definition`."""
    said: dict[str, list[str]] = {}
    term = ""
    for child in node.css("dt, dd"):
        if child.tag == "dt":
            term = _one_line(child)
        elif term and (text := _one_line(child)):
            said.setdefault(term, []).append(text)
    facts: list[str] = []
    for term, texts in said.items():
        if is_question(term):
            yield Pair(term, " ".join(texts))
        else:
            facts.append(f"{term.rstrip(': ')}: {'، '.join(texts)}")
    if facts:
        yield Lines(tuple(facts))


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
