"""Written Persian, which the reading of spoken Persian leaves as it is."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from retrieval.query.colloquial import write_formally
from retrieval.text.normalise import normalise_mildly
from tests.unit.retrieval.samples import SHARED

DEMO = Path(__file__).parents[4] / "deployments" / "commands" / "demo"
ZWNJ = "\u200c"
WORD = re.compile(rf"[\u0621-\u06cc]+(?:{ZWNJ}+[\u0621-\u06cc]+)*")
# What remains are mostly spoken words, of lyrics and dialogues.
MOST_CHANGED = 0.003


def words_of(path: Path) -> set[str]:
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    texts = (normalise_mildly(f"{row['title']} {row['text']}") for row in rows)
    return {word for text in texts for word in WORD.findall(text)}


def changed(words: Iterable[str]) -> dict[str, str]:
    """Collect words that get other letters or lose a half-space; more are welcome."""
    written = {word: write_formally(word) for word in words}
    return {
        word: form
        for word, form in written.items()
        if form.replace(ZWNJ, "") != word.replace(ZWNJ, "")
        or form.count(ZWNJ) < word.count(ZWNJ)
    }


def test_every_word_of_the_demo_documents_stays() -> None:
    assert changed(words_of(DEMO / "documents.jsonl")) == {}


def test_nearly_every_word_of_formal_texts_stays() -> None:
    corpus = SHARED / "fa_dev" / "corpus.jsonl"
    if not corpus.exists():
        pytest.skip(f"the shared data is not here: {corpus}")
    words = words_of(corpus)
    misread = changed(words)
    assert len(misread) <= MOST_CHANGED * len(words), misread
