"""Written dialogues: how they are read, and how an answer is compared with them."""

import html
import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from retrieval.index.knowledge import SourceType

DIALOGUES = Path(__file__).parents[1] / "data" / "dialogues"

_LETTERS = str.maketrans(
    "يىكةأإآؤۀ۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "ییکهاااوه01234567890123456789"
)
_MARKS = re.compile(r"[\u064b-\u0652\u0670\u0640]")
_GROUPING = re.compile(r"(?<=\d)[٬,،٫.'\u00a0\u202f ](?=\d{3}(?!\d))")
_SILENT = re.compile(r"[\s\u200c-\u200f«»\"'()\[\]*_`|:؛;،,.!؟?\-–—/]+")
_SENTENCE_END = re.compile(r"(?<=[.؟!؛])\s+")
_CELL_END = re.compile(r"[|\t,]|<[^>]+>")


class Act(StrEnum):
    """What an answer does."""

    ANSWER = "answer"
    HANDOVER = "handover"
    SMALLTALK = "smalltalk"
    CLARIFY = "clarify"


class Channel(StrEnum):
    """Where the customer writes."""

    WEBSITE = "website"
    TELEGRAM = "telegram"
    INSTAGRAM = "instagram"


class _Line(BaseModel):
    """A part of a line of a file; a field that nobody knows is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Document(_Line):
    """A document as `POST /api/knowledge/documents/` takes it."""

    source_type: SourceType
    title: str = Field(min_length=1)
    text: str = Field(min_length=1)
    url: str | None = None


Acts = Annotated[frozenset[Act], BeforeValidator(lambda acts: acts.split("|"))]
#: One of them is in the answer; the file may name a single one without brackets.
Spellings = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda one: (one,) if isinstance(one, str) else one),
]


class Expectation(_Line):
    """What an answer must and must not hold."""

    act: Acts
    must: tuple[Spellings, ...] = ()
    must_not: tuple[str, ...] = ()
    max_chars: int


class Share(_Line):
    """A post that the customer shares before the words."""

    title: str
    caption: str


class Turn(_Line):
    """One message of a customer, and what is expected of its answer."""

    say: str = Field(min_length=1)
    expect: Expectation
    share: Share | None = None
    reply_to: int | None = None


class Dialogue(_Line):
    """The messages of one customer, in order."""

    id: str
    channel: Channel
    about: str
    turns: tuple[Turn, ...] = Field(min_length=1)


class WrittenShop(_Line):
    """A business: its documents, and the dialogues about them."""

    name: str
    documents: tuple[Document, ...]
    dialogues: tuple[Dialogue, ...]


def load_shops(folder: Path = DIALOGUES) -> tuple[WrittenShop, ...]:
    """Load every shop of the folder, by name."""
    return tuple(load_shop(path) for path in sorted(folder.iterdir()) if path.is_dir())


def load_shop(folder: Path) -> WrittenShop:
    """Load one shop. Raises pydantic's ValidationError for a line of another form."""
    documents, dialogues = (
        (folder / name).read_text(encoding="utf-8").splitlines()
        for name in ("documents.jsonl", "dialogues.jsonl")
    )
    return WrittenShop(
        name=folder.name,
        documents=tuple(map(Document.model_validate_json, documents)),
        dialogues=tuple(map(Dialogue.model_validate_json, dialogues)),
    )


def fold(text: str) -> str:
    """Fold letters, digits and separators to one spelling, and drop what is silent."""
    text = unicodedata.normalize("NFKC", text).lower().translate(_LETTERS)
    return _SILENT.sub("", _GROUPING.sub("", _MARKS.sub("", text)))


def has(text: str, *spellings: str) -> bool:
    """Tell whether the text holds one of the spellings, after folding."""
    folded = fold(text)
    return any(fold(spelling) in folded for spelling in spellings)


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
