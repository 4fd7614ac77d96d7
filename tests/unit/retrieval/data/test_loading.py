"""Word lists are read, and a mistake in one is named by file and line."""

from pathlib import Path

import pytest

from retrieval.data.loading import WordListError, load_groups, load_pairs, load_rows
from retrieval.query.colloquial import write_formally
from retrieval.text.normalise import normalise
from retrieval.text.stopwords import STOP_WORDS


def write(folder: Path, text: str) -> Path:
    (folder / "list.tsv").write_bytes(text.encode("utf-8", "surrogateescape"))
    return folder


def test_comments_and_empty_lines_are_no_rows(tmp_path: Path) -> None:
    folder = write(tmp_path, "# spoken\twritten\r\n\nچنده\tچقدر است\r\n")
    assert load_rows("list.tsv", folder=folder) == (("چنده", "چقدر است"),)
    assert load_pairs("list.tsv", folder=folder) == {"چنده": "چقدر است"}


def test_words_are_gathered_by_their_group(tmp_path: Path) -> None:
    folder = write(tmp_path, "noun\tکتاب\tزیتون\nnoun\tچاقو\n")
    assert load_groups("list.tsv", ("noun", "fixed"), folder) == {
        "noun": {"کتاب", "زیتون", "چاقو"},
        "fixed": set(),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\na\t\n", "list.tsv, line 2: a cell is empty or has blanks around it"),
        ("a\tb\n\na \tb\n", "line 3: a cell is empty or has blanks around it"),
        ("a\tb\tc\n", "list.tsv, line 1: 3 columns instead of 2"),
        ("a\tb\na\tb\n", "list.tsv, line 2: the same row stands there twice"),
        ("a\tb\na\tc\n", "list.tsv, line 2: a stands there twice"),
        ("a\tb\n\udcff\tc\n", "list.tsv, line 2: it is not UTF-8"),
    ],
)
def test_a_mistake_is_named_by_file_and_line(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(WordListError, match=message):
        load_pairs("list.tsv", write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("verb\tرفت\n", "line 1: verb is none of noun, fixed"),
        ("noun\tکتاب\nnoun\tسیب\tکتاب\n", "line 2: a word stands in noun twice: کتاب"),
        ("noun\tسیب\tسیب\n", "line 1: a word stands in noun twice"),
    ],
)
def test_a_word_of_no_group_or_twice_in_one_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(WordListError, match=message):
        load_groups("list.tsv", ("noun", "fixed"), write(tmp_path, text))


def test_a_stop_word_is_one_as_it_is_written_too() -> None:
    # Of چیکار and کیه, the written forms have words that do tell something.
    telling = {"کار", "کسی"}
    written = {
        word
        for spoken in STOP_WORDS
        for word in normalise(write_formally(spoken)).split()
    }
    assert written - telling <= STOP_WORDS
