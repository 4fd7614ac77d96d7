"""Reads a document's text into blocks, whatever it was written in."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from retrieval.documents import lines as shape
from retrieval.documents.blocks import Block, BlockKind, Cell, render_cells
from retrieval.documents.elements import Element, Heading, Lines, Pair, Table
from retrieval.documents.html import looks_like_html, read_html
from retrieval.documents.markdown import read_markdown
from retrieval.text.normalise import normalise

_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ue000]")
_PRESENTATION = re.compile("[\ufb50-\ufdff\ufe70-\ufefc]+")
_MAX_HEADING_CHARS = 80
#: Stands for a page number while lines are read: a private character, in no text.
_PAGE_BREAK = "\ue000"


def read_blocks(text: str, title: str = "") -> tuple[Block, ...]:
    """Read HTML, Markdown, tables and plain text into blocks, in their order.

    Every block's text is plain. A question and its answer are one block, a table row
    keeps its column names, and sentences that a printed page broke are joined. A first
    line that repeats the title is a heading.
    """
    text = clean(text)
    if looks_like_html(text):
        elements = read_html(text)
    else:
        elements = _rejoin_pages(read_markdown(_drop_page_numbers(text)))
    return tuple(_Builder(title).build(elements))


def clean(text: str) -> str:
    """Fold presentation forms and drop unseen characters; letters stay as typed."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ")
    text = _UNSEEN.sub("", text)
    return _PRESENTATION.sub(lambda run: unicodedata.normalize("NFKC", run[0]), text)


def _drop_page_numbers(text: str) -> str:
    return "\n".join(
        _PAGE_BREAK if shape.is_page_number(line) else line for line in text.split("\n")
    )


def _rejoin_pages(elements: Sequence[Element]) -> list[Element]:
    """Take page breaks out; a sentence that goes on over one is one paragraph."""
    joined: list[Element] = []
    is_break = False
    for element in elements:
        if not isinstance(element, Lines):
            joined.append(element)
            continue
        lines = tuple(
            line for line in element.lines if line.strip() and line != _PAGE_BREAK
        )
        if not lines:
            is_break = is_break or _PAGE_BREAK in element.lines
            continue
        before = joined[-1] if joined else None
        if (
            is_break
            and isinstance(before, Lines)
            and not shape.is_ended(before.lines[-1])
        ):
            joined[-1] = Lines((*before.lines, *lines), before.is_item)
        else:
            joined.append(Lines(lines, element.is_item))
        is_break = False
    return joined


@dataclass
class _Builder:
    """Builds blocks from elements; remembers the headings and an open question."""

    title: str
    headings: list[tuple[int, str]] = field(default_factory=list)
    question: str = ""

    def build(self, elements: Sequence[Element]) -> Iterator[Block]:
        is_printed = any(
            isinstance(element, Lines) and shape.are_broken(element.lines)
            for element in elements
        )
        for index, element in enumerate(elements):
            match element:
                case Heading():
                    yield from self._heading(
                        element, asks=_is_alone(elements[index + 1 : index + 3])
                    )
                case Pair():
                    yield from self._close_question()
                    yield self._block(
                        BlockKind.PAIR, element.answer, question=element.question
                    )
                case Table():
                    yield from self._close_question()
                    yield from self._rows(element.header, element.rows)
                case Lines():
                    yield from self._lines(
                        element, index, len(elements), is_printed=is_printed
                    )
        yield from self._close_question()

    def _block(
        self,
        kind: BlockKind,
        text: str,
        *,
        question: str = "",
        cells: tuple[Cell, ...] = (),
    ) -> Block:
        above = tuple(text for _, text in self.headings)
        return Block(kind, text, above, question, cells)

    def _heading(self, heading: Heading, *, asks: bool) -> Iterator[Block]:
        yield from self._close_question()
        if asks and shape.is_question(heading.text):
            self.question = shape.strip_mark(heading.text)
            return
        while self.headings and self.headings[-1][0] >= heading.level:
            self.headings.pop()
        yield self._block(BlockKind.HEADING, heading.text)
        self.headings.append((heading.level, heading.text))

    def _rows(
        self, header: Sequence[str], rows: Sequence[Sequence[str]]
    ) -> Iterator[Block]:
        for row in rows:
            names = [*header, *[""] * len(row)]
            cells = tuple(
                Cell(name, value) for name, value in zip(names, row, strict=False)
            )
            if text := render_cells(cells):
                yield self._block(BlockKind.TABLE_ROW, text, cells=cells)

    def _close_question(self) -> Iterator[Block]:
        """Yield a question that nothing answered as the paragraph that it is."""
        question, self.question = self.question, ""
        if question:
            yield self._block(BlockKind.PARAGRAPH, question)

    def _lines(
        self, element: Lines, index: int, count: int, *, is_printed: bool
    ) -> Iterator[Block]:
        is_last = index + 1 == count
        lines = [line.strip(" ") for line in element.lines if line.strip()]
        is_lone = len(lines) == 1 and not is_last and not element.is_item
        if is_lone and not self.question and _is_heading(lines[0]):
            level = 2 if self.headings else 1
            yield from self._heading(Heading(level, lines[0]), asks=False)
            return
        at = 0
        if index == 0 and len(lines) > 1 and _is_title(lines[0], self.title):
            yield from self._heading(Heading(1, lines[0]), asks=False)
            at = 1
        while at < len(lines):
            rows, delimiter = shape.find_table(lines[at:])
            if rows:
                yield from self._close_question()
                header, *body = (
                    shape.cut_row(line, delimiter) for line in lines[at : at + rows]
                )
                yield from self._rows(header, body)
                at += rows
                continue
            end = at + 1
            while end < len(lines) and not shape.find_table(lines[end:])[0]:
                end += 1
            yield from self._text(
                lines[at:end], is_item=element.is_item, is_printed=is_printed
            )
            at = end

    def _text(
        self, lines: Sequence[str], *, is_item: bool, is_printed: bool
    ) -> Iterator[Block]:
        """Yield the pairs, items and paragraphs of lines that hold no table."""
        kind = BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH
        rest: list[str] = []
        for line in lines:
            question = shape.read_question(line)
            answer = shape.read_answer(line) if self.question else ""
            if question or (shape.is_question(line) and not answer):
                yield from self._answer_or_text(rest, kind, is_printed=is_printed)
                yield from self._close_question()
                rest = []
                self.question = question or shape.strip_mark(line)
            else:
                rest.append(answer or line)
        yield from self._answer_or_text(rest, kind, is_printed=is_printed)

    def _answer_or_text(
        self, lines: list[str], kind: BlockKind, *, is_printed: bool
    ) -> Iterator[Block]:
        if not lines:
            return
        texts = list(_paragraphs(lines, is_printed=is_printed))
        if self.question:
            answer = "\n".join(text for _, text in texts)
            yield self._block(BlockKind.PAIR, answer, question=self.question)
            self.question = ""
            return
        single = len(texts) == 1 and not texts[0][0]
        for is_marked, text in texts:
            is_item = is_marked or not single
            yield self._block(BlockKind.LIST_ITEM if is_item else kind, text)


def _paragraphs(
    lines: Sequence[str], *, is_printed: bool
) -> Iterator[tuple[bool, str]]:
    """Yield each text of some lines, and whether it was marked as an item."""
    if shape.are_broken(lines) or (is_printed and not _are_facts(lines)):
        group: list[str] = []
        for line in lines:
            if shape.has_mark(line) and group:
                yield shape.has_mark(group[0]), _join(group)
                group = []
            group.append(line)
        if group:
            yield shape.has_mark(group[0]), _join(group)
        return
    for line in lines:
        yield shape.has_mark(line), shape.strip_mark(line)


def _join(lines: Sequence[str]) -> str:
    return shape.strip_mark(shape.join_broken(lines))


def _are_facts(lines: Sequence[str]) -> bool:
    """Tell lines that each say one thing from a page whose sentences were broken."""
    return all(shape.is_ended(line) or ":" in line for line in lines)


def _is_heading(line: str) -> bool:
    """Tell a heading from a lone line of text, when something stands below it."""
    return (
        len(line) <= _MAX_HEADING_CHARS
        and not shape.is_ended(line)
        and not shape.has_mark(line)
        and ":" not in line
        and "\t" not in line
    )


def _is_title(line: str, title: str) -> bool:
    """Tell whether a first line repeats the title, in other words at most in part."""
    words, titled = set(normalise(line).split()), set(normalise(title).split())
    return _is_heading(line) and 2 * len(words & titled) >= len(words | titled) > 0


def _is_alone(following: Sequence[Element]) -> bool:
    """Tell whether one paragraph stands below a heading, and nothing else."""
    return (
        bool(following)
        and isinstance(following[0], Lines)
        and not following[0].is_item
        and all(isinstance(element, Heading) for element in following[1:])
    )
