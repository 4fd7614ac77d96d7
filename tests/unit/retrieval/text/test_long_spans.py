"""What has no end mark for pages is cut where it hurts least."""

from retrieval.text.chunking import cut_run_on
from retrieval.text.sentences import Span


def pieces(text: str, n_pieces: int) -> list[str]:
    whole = Span(0, len(text))
    return [text[start:end] for start, end in cut_run_on(text, whole, n_pieces)]


def test_it_is_cut_between_clauses_where_some_are_near() -> None:
    assert pieces("a b, c d", 2) == ["a b,", "c d"]


def test_it_is_cut_between_words_where_there_are_no_clauses() -> None:
    assert pieces("یک دو سه چهار پنج", 2) == ["یک دو سه", "چهار پنج"]


def test_without_a_blank_it_is_cut_evenly() -> None:
    assert pieces("abcdefghi", 3) == ["abc", "def", "ghi"]


def test_a_piece_of_nothing_but_blanks_is_none() -> None:
    assert pieces("a" + " " * 50 + "b", 10) == ["a", "b"]
