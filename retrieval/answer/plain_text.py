"""Markdown and HTML become plain text, as a chat channel shows it."""

import html
import re

from retrieval.text.language import LINK
from retrieval.text.normalise import PERSIAN_DIGITS

_DIGIT = f"[0-9{PERSIAN_DIGITS}]"
#: Kept apart from the marks around them: NUL can be stored by nobody, so none is there.
_KEPT = re.compile("\0([0-9]+)\0")
_BLOCK_TAG = re.compile(
    r"</?(?:p|div|section|article|main|h[1-6]|ul|ol|table|tbody|thead|tr|dl|dt|dd"
    r"|blockquote|pre|hr)\b[^<>]*>",
    re.IGNORECASE,
)
_BREAK_TAG = re.compile(r"<br\s*/?>", re.IGNORECASE)
_ITEM_TAG = re.compile(r"\s*<li\b[^<>]*>\s*", re.IGNORECASE)
_CELL_TAG = re.compile(r"</t[dh]>\s*<t[dh]\b[^<>]*>", re.IGNORECASE)
_HIDDEN = re.compile(
    r"<!--.*?-->|<(script|style)\b[^<>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL
)
_LINK_TAG = re.compile(
    r"<a\b[^<>]*?\bhref\s*=\s*[\"']?([^\"'<>\s]+)[\"']?[^<>]*>(.*?)</a\s*>",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(
    r"</?(?:a|b|i|u|s|em|strong|span|small|sub|sup|mark|del|ins|code|kbd|font|img|html"
    r"|head|body|title|meta|link|button|label|input|form|nav|header|footer|center|cite"
    r"|li|td|th|figure|figcaption|details|summary)\b[^<>]*>",
    re.IGNORECASE,
)
_ENTITY = re.compile(
    r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.IGNORECASE
)

_FENCE = re.compile(r"[ \t]*(?:```+|~~~+)[^`]*")
_RULE = re.compile(r"[ \t]*(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,}|={3,})")
_HEADING = re.compile(r"[ \t]*#{1,6}[ \t]+(.*?)[ \t]*#*[ \t]*")
_QUOTE = re.compile(r"[ \t]*(?:>[ \t]?)+")
_ITEM = re.compile(r"^([ \t]*)[-*+•‣◦▪●][ \t]+(?:\[[ xX]\][ \t]+)?(?=\S)")
_TABLE_LINE = re.compile(
    r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+\|?[ \t]*"
)
_REFERENCE = re.compile(
    r"[ \t]{0,3}\[([^\]\n]+)\]:[ \t]*<?(\S+?)>?(?:[ \t]+\"[^\"]*\")?"
)

_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_INLINE_LINK = re.compile(
    r"!?\[([^\[\]\n]*)\]\(\s*<?([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)>?"
    r"(?:\s+[\"'][^\"'\n]*[\"'])?\s*\)"
)
_REFERENCE_LINK = re.compile(r"\[([^\[\]\n]+)\]\[([^\[\]\n]*)\]")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)?[^\s<>]+[.@:][^\s<>]+)>")
_BARE_LINK = re.compile(LINK, re.IGNORECASE)
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|>~])")
# Double marks stand for emphasis anywhere; a single one only around whole words, so
# that 2*3 and a_b stay.
_DOUBLE = re.compile(r"(\*\*\*|\*\*|___|__|~~)(?=\S)(.+?)(?<=\S)\1")
_SINGLE = re.compile(r"(?<![\w*])(\*|_)(?=[^\s*_])([^*_\n]*?[^\s*_])\1(?![\w*])")
_CITATION = re.compile(
    rf"[ \t]*(?:\[\^?{_DIGIT}{{1,2}}(?:[ ]*[,،–-][ ]*{_DIGIT}{{1,2}})*\]"
    rf"|【[^】\n]*】)"
)


def to_plain_text(text: str) -> str:
    """Write Markdown or HTML as plain text: lines, «•» before items, links in brackets.

    `[words](address)` is `words (address)`; the rows of a table become lines with the
    columns' names; entities are their characters; marks of citations (`[1]`) go.
    Figures and line breaks stay, and so do `2*3`, `a_b` and links as they are.
    """
    text = text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    text = _without_tags(text)
    addresses = _references(text)
    kept: list[str] = []
    lines = _plain_lines(_without_tables(text.split("\n")))
    text = "\n".join(lines)
    text = _keep_links(text, addresses, kept)
    for pattern in (_DOUBLE, _DOUBLE, _SINGLE, _SINGLE):
        text = pattern.sub(lambda match: match[2], text)
    text = _CITATION.sub("", text)
    text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    text = _KEPT.sub(lambda match: kept[int(match[1])], text).replace("\u00a0", " ")
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _without_tags(text: str) -> str:
    text = _HIDDEN.sub("", text)
    text = _LINK_TAG.sub(lambda m: _with_address(_TAG.sub("", m[2]), m[1]), text)
    text = _CELL_TAG.sub(" | ", text)
    text = _ITEM_TAG.sub("\n• ", text)
    text = _BREAK_TAG.sub("\n", text)
    return _TAG.sub("", _BLOCK_TAG.sub("\n", text))


def _with_address(words: str, address: str) -> str:
    """Write words with the address that they lead to, once if they are the same."""
    address = address.removeprefix("mailto:").removeprefix("tel:")
    words = words.strip()
    if not address or address.startswith("#") or address in words:
        return words
    bare = re.sub(r"^https?://|/$", "", address)
    return address if not words or words.rstrip("/") == bare else f"{words} ({address})"


def _references(text: str) -> dict[str, str]:
    found = (_REFERENCE.fullmatch(line) for line in text.split("\n"))
    return {match[1].casefold(): match[2] for match in found if match}


def _without_tables(lines: list[str]) -> list[str]:
    """Write each row of a table as a line that names its columns."""
    written: list[str] = []
    place = 0
    while place < len(lines):
        following = lines[place + 1] if place + 1 < len(lines) else ""
        if "|" not in lines[place] or not _TABLE_LINE.fullmatch(following):
            written.append(lines[place])
            place += 1
            continue
        header = _cells(lines[place])
        place += 2
        while place < len(lines) and "|" in lines[place]:
            written.append(_row(header, _cells(lines[place])))
            place += 1
    return written


def _cells(line: str) -> list[str]:
    cells = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
    return [cell.strip() for cell in cells]


def _row(header: list[str], cells: list[str]) -> str:
    names = [*header, *[""] * (len(cells) - len(header))]
    parts = [
        f"{name}: {cell}" if name else cell
        for name, cell in zip(names, cells, strict=False)
        if cell
    ]
    is_latin = all(part.isascii() for part in parts)
    return "• " + (", " if is_latin else "، ").join(parts)


def _plain_lines(lines: list[str]) -> list[str]:
    written: list[str] = []
    for line in lines:
        if (
            _FENCE.fullmatch(line)
            or _RULE.fullmatch(line)
            or _REFERENCE.fullmatch(line)
        ):
            continue
        line = _QUOTE.sub("", line, count=1) if _QUOTE.match(line) else line
        heading = _HEADING.fullmatch(line)
        if heading is not None:
            line = heading[1]
        line = re.sub(r"\\$", "", _ITEM.sub(r"\1• ", line, count=1))
        written.append(line)
    return written


def _keep_links(text: str, addresses: dict[str, str], kept: list[str]) -> str:
    """Put code, links and escaped marks aside: what is in them is no markup."""

    def keep(words: str) -> str:
        kept.append(words)
        return f"\0{len(kept) - 1}\0"

    def keep_link(words: str, address: str) -> str:
        shown = _with_address(words, address)
        if shown.endswith(f"({address})"):
            return f"{words.strip()} {keep(f'({address})')}"
        return keep(shown) if address and address in shown else shown

    text = _CODE.sub(lambda match: keep(match[2].strip()), text)
    text = _INLINE_LINK.sub(lambda match: keep_link(match[1], match[2]), text)
    text = _REFERENCE_LINK.sub(
        lambda match: (
            keep_link(match[1], addresses[(match[2] or match[1]).casefold()])
            if (match[2] or match[1]).casefold() in addresses
            else match[0]
        ),
        text,
    )
    text = _AUTOLINK.sub(lambda match: keep(match[1].removeprefix("mailto:")), text)
    text = _BARE_LINK.sub(lambda match: keep(match[0]), text)
    return _ESCAPE.sub(lambda match: keep(match[1]), text)
