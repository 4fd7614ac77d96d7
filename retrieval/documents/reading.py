"""Reads a document's text into blocks, whatever it was written in."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from retrieval.documents import lines as shape
from retrieval.documents.blocks import Block
from retrieval.documents.building import Builder
from retrieval.documents.elements import Element, Heading, Lines, Pair
from retrieval.documents.html import looks_like_html, read_html
from retrieval.documents.markdown import read_markdown

_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ue000]")
_PRESENTATION = re.compile("[\ufb50-\ufdff\ufe70-\ufefc]+")
#: Longer text below a heading that asks is a chapter, not an answer.
_MAX_ANSWER_CHARS = 800
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
    return tuple(Builder(title).build(_join_attributes(_pair_up(elements))))


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
            joined[-1] = replace(before, lines=(*before.lines, *lines))
        else:
            joined.append(replace(element, lines=lines))
        is_break = False
    return joined


def _pair_up(elements: Sequence[Element]) -> list[Element]:
    """Make a heading that asks, and all the text below it, a pair."""
    paired: list[Element] = []
    at = 0
    while at < len(elements):
        element, end = elements[at], at + 1
        while end < len(elements) and isinstance(elements[end], Lines):
            end += 1
        if answer := _read_answer(element, elements[at + 1 : end]):
            paired.append(Pair(answer[0], answer[1]))
            at = end
        else:
            paired.append(element)
            at += 1
    return paired


def _read_answer(element: Element, below: Sequence[Element]) -> tuple[str, str] | None:
    lines = [line for one in below if isinstance(one, Lines) for line in one.lines]
    if not isinstance(element, Heading) or not lines:
        return None
    question = shape.strip_frame(element.text)
    is_asking = shape.is_question(question)
    if not is_asking and not shape.is_spoken_question(question, lines[0]):
        return None
    # Lines that ask themselves are pairs of a list of questions.
    if any(shape.is_question(line) or shape.read_question(line) for line in lines):
        return None
    answer = "\n".join(filter(None, map(shape.strip_mark, lines)))
    if len(below) == 1 and shape.are_broken(lines):
        answer = shape.join_broken(lines)
    if not answer or len(answer) > _MAX_ANSWER_CHARS:
        return None
    return shape.strip_mark(question), answer


def _join_attributes(elements: Sequence[Element]) -> list[Element]:
    """Make a list of attributes, item by item, the lines of one product."""
    joined: list[Element] = []
    for element in elements:
        before = joined[-1] if joined else None
        if (
            isinstance(element, Lines)
            and isinstance(before, Lines)
            and element.is_item
            and before.is_item
            and element.lead == before.lead
            and all(map(shape.read_attribute, (*before.lines, *element.lines)))
        ):
            joined[-1] = replace(before, lines=(*before.lines, *element.lines))
        else:
            joined.append(element)
    return joined
