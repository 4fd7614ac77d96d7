"""The written dialogues of this repository, and what an answer to them may quote."""

import html
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from deployments.commands.evaluate_dialogues import load_shops
from retrieval.evaluation.playing import LabelledShop

DIALOGUES = Path(__file__).parents[1] / "data" / "dialogues"

_SENTENCE_END = re.compile(r"(?<=[.؟!؛])\s+")
_CELL_END = re.compile(r"[|\t,]|<[^>]+>")


def load_written_shops() -> tuple[LabelledShop, ...]:
    """Load every shop, by name. Raises LabelledSetError for a line of another form."""
    return load_shops(DIALOGUES)


def passages(text: str) -> Iterator[str]:
    """Yield what an answer may quote: lines, pairs of lines, sentences, cells."""
    lines = [line for line in html.unescape(text).split("\n") if line.strip()]
    for line in lines:
        yield line
        yield from _SENTENCE_END.split(line)
        yield from _CELL_END.split(line)
    for one, next_one in pairwise(lines):
        yield f"{one} {next_one}"
    # A sentence that a file of fixed width has broken into lines.
    yield from _SENTENCE_END.split(" ".join(lines))
