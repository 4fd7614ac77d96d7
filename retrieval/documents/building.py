"""Builds blocks from a document's elements."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from retrieval.documents import lines as shape
from retrieval.documents.blocks import Block, BlockKind, Cell, render_cells
from retrieval.documents.elements import Element, Heading, Lines, Pair, Table
from retrieval.documents.tables import read_rows
from retrieval.text.normalise import normalise

_MAX_HEADING_CHARS = 80
#: Different attributes that make lines `name: value` a product's.
_MIN_ATTRIBUTES = 2


@dataclass
class Builder:
    """Builds blocks from elements; remembers the headings and an open question."""

    title: str
    headings: list[tuple[int, str]] = field(default_factory=list)
    question: str = ""
    #: The line above a list that ends with a colon.
    lead: str = ""
    #: The item around the list that is read.
    outer_item: str = ""
    #: The element behind the one that is read.
    following: Element | None = None

    def build(self, elements: Sequence[Element]) -> Iterator[Block]:
        """Yield the blocks, in their order; every block is built once."""
        is_printed = any(
            isinstance(element, Lines) and shape.are_broken(element.lines)
            for element in elements
        )
        for index, element in enumerate(elements):
            self.following = elements[index + 1] if elements[index + 1 :] else None
            self._follow_lead(element)
            match element:
                case Heading():
                    yield from self._heading(element)
                case Pair():
                    yield from self._close_question()
                    yield self._block(
                        BlockKind.PAIR, element.answer, question=element.question
                    )
                case Table():
                    yield from self._close_question()
                    yield from self._rows(element)
                case Lines():
                    yield from self._lines(
                        element, is_first=index == 0, is_printed=is_printed
                    )
        yield from self._close_question()

    def _follow_lead(self, element: Element) -> None:
        nested = element.lead if isinstance(element, Lines) else ""
        self.outer_item = shape.strip_mark(nested).rstrip(": ")
        if not isinstance(element, Table) and not _is_list(element):
            self.lead = ""

    def _block(
        self,
        kind: BlockKind,
        text: str,
        *,
        question: str = "",
        cells: tuple[Cell, ...] = (),
    ) -> Block:
        above = (*(text for _, text in self.headings), self.lead, self.outer_item)
        headings = tuple(text for text in above if text)
        return Block(kind, text, headings, question, cells)

    def _heading(self, heading: Heading) -> Iterator[Block]:
        yield from self._close_question()
        text = shape.strip_frame(heading.text) or heading.text
        while self.headings and self.headings[-1][0] >= heading.level:
            self.headings.pop()
        self.lead = self.outer_item = ""
        yield self._block(BlockKind.HEADING, text)
        self.headings.append((heading.level, text))

    def _lead(self, line: str) -> Iterator[Block]:
        """Yield a line that ends with a colon as the heading of what follows."""
        self.lead = ""
        text = shape.strip_frame(line.rstrip(": "))
        yield self._block(BlockKind.HEADING, text)
        self.lead = text

    def _rows(self, table: Table) -> Iterator[Block]:
        for cells in read_rows(table):
            if text := render_cells(cells):
                yield self._block(BlockKind.TABLE_ROW, text, cells=cells)

    def _close_question(self) -> Iterator[Block]:
        """Yield a question that nothing answered as the paragraph that it is."""
        question, self.question = self.question, ""
        if question:
            yield self._block(BlockKind.PARAGRAPH, question)

    def _lines(
        self, element: Lines, *, is_first: bool, is_printed: bool
    ) -> Iterator[Block]:
        lines = [line.strip(" ") for line in element.lines if shape.strip_frame(line)]
        if not lines:
            return
        is_lone = len(lines) == 1 and self.following is not None
        if is_lone and not element.is_item and not self.question:
            if self._is_lone_question(lines[0]):
                self.question = shape.strip_mark(lines[0])
                return
            if self._is_lone_heading(lines[0]):
                yield from self._heading(Heading(2 if self.headings else 1, lines[0]))
                return
        at = 0
        if is_first and len(lines) > 1 and _is_title(lines[0], self.title):
            yield from self._heading(Heading(1, lines[0]))
            at = 1
        while at < len(lines):
            rows, delimiter, has_header = shape.find_table(lines[at:])
            if rows:
                yield from self._close_question()
                cut = [shape.cut_row(line, delimiter) for line in lines[at : at + rows]]
                header = cut[0] if has_header else ()
                yield from self._rows(Table(header, tuple(cut[len(header) > 0 :])))
                at += rows
                continue
            end = at + 1
            while end < len(lines) and not shape.find_table(lines[end:])[0]:
                end += 1
            yield from self._text(
                lines[at:end], is_item=element.is_item, is_printed=is_printed
            )
            at = end

    def _is_lone_question(self, line: str) -> bool:
        following = self.following
        return (
            isinstance(following, Lines)
            and not following.is_item
            and shape.is_spoken_question(line, following.lines[0])
        )

    def _is_lone_heading(self, line: str) -> bool:
        """Tell whether a lone line is a heading, with or without marks around it."""
        bare = shape.strip_frame(line)
        if not _is_heading(bare):
            return False
        if bare == line.strip():
            return True
        following = self.following
        is_in_list = isinstance(following, Lines) and any(
            map(shape.has_mark, following.lines[:1])
        )
        return shape.is_framed(line) and not is_in_list

    def _text(
        self, lines: Sequence[str], *, is_item: bool, is_printed: bool
    ) -> Iterator[Block]:
        """Yield the pairs, items and paragraphs of lines that hold no table."""
        kind = BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH
        is_printed = is_printed or shape.are_broken(lines)
        rest: list[str] = []
        for at, line in enumerate(lines):
            question = shape.read_question(line)
            answer = shape.read_answer(line) if self.question else ""
            asks = shape.is_question(line) and not answer
            if not asks and not is_printed and not answer and lines[at + 1 :]:
                asks = shape.is_spoken_question(line, lines[at + 1])
            if question or asks:
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
        if product := _read_product(lines):
            yield from self._close_question()
            text = "\n".join(f"{cell.name}: {cell.value}" for cell in product)
            yield self._block(BlockKind.PRODUCT, text, cells=product)
            lines = [line for line in lines if shape.read_attribute(line) is None]
            if not lines:
                return
        texts = list(_paragraphs(lines, is_printed=is_printed))
        if self.question:
            answer = "\n".join(text for _, text in texts)
            yield self._block(BlockKind.PAIR, answer, question=self.question)
            self.question = ""
            return
        single = len(texts) == 1 and not texts[0][0]
        for at, (is_marked, text) in enumerate(texts):
            leads = bool(texts[at + 1 :]) or _is_list(self.following)
            if text.endswith(":") and len(text) <= _MAX_HEADING_CHARS and leads:
                yield from self._lead(text)
                continue
            is_item = is_marked or not single
            yield self._block(BlockKind.LIST_ITEM if is_item else kind, text)


def _read_product(lines: Sequence[str]) -> tuple[Cell, ...]:
    """Return a product's attributes; none if the lines are of something else."""
    found = [attribute for line in lines if (attribute := shape.read_attribute(line))]
    words = {shape.attribute_word(name) for name, _ in found} - {""}
    if len(words) < _MIN_ATTRIBUTES:
        return ()
    return tuple(Cell(name, value) for name, value in found)


def _is_list(element: Element | None) -> bool:
    """Tell whether an element may stand below a line that ends with a colon."""
    if isinstance(element, Lines):
        return element.is_item or all(map(shape.has_mark, element.lines[:2]))
    return isinstance(element, Table)


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
