"""Documents into parents and children of whole sentences; long spans into pieces."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from retrieval.answer.context import fill_budget
from retrieval.text.chunking import (
    CHILD_MAX_TOKENS,
    PARENT_MAX_TOKENS,
    chunk_document,
    cut_run_on,
)
from retrieval.text.sentences import Span, split_sentences
from tests.unit.retrieval.samples import a_chunk


def words(text: str) -> int:
    """Count words, as a tokeniser that can be followed by hand."""
    return len(text.split())


def sentence(n: int, mark: str = "واژه") -> str:
    """Make a sentence of n words."""
    return " ".join([mark] * n) + "."


def test_a_short_document_is_one_parent_with_one_child() -> None:
    text = "هزینه ارسال ۴۵ هزار تومان است. دو روز طول می‌کشد."
    (parent,) = chunk_document("ارسال", text, words)
    assert parent.text == text
    assert [child.text for child in parent.children] == [text]


def test_children_are_of_about_equal_size() -> None:
    # 3 + 3 + 3 + 1 words with room for 9: two and two, not three and a lone one.
    sentences = [sentence(3), sentence(3), sentence(3), sentence(1)]
    (parent,) = chunk_document("", " ".join(sentences), words, child_max_tokens=9)
    assert [words(child.text) for child in parent.children] == [6, 4]


def test_parents_hold_whole_children_and_positions_run_through() -> None:
    text = " ".join(sentence(5) for _ in range(12))
    parents = chunk_document("", text, words, parent_max_tokens=20, child_max_tokens=10)
    assert [words(parent.text) for parent in parents] == [20, 20, 20]
    assert [parent.position for parent in parents] == [0, 1, 2]
    children = [child for parent in parents for child in parent.children]
    assert [words(child.text) for child in children] == [10] * 6
    assert [child.position for child in children] == list(range(6))


def test_an_overlong_sentence_is_a_chunk_of_its_own() -> None:
    text = f"{sentence(2)} {sentence(50)} {sentence(2)}"
    parents = chunk_document("", text, words, parent_max_tokens=10, child_max_tokens=5)
    assert [words(parent.text) for parent in parents] == [2, 50, 2]


def test_what_runs_on_for_pages_is_no_sentence_and_is_cut_between_words() -> None:
    # A price list on one line, as shops paste it: whole, it had room in no prompt.
    items = [f"کالای شماره {n} به قیمت {n} هزار تومان" for n in range(300)]
    parents = chunk_document("فهرست", "، ".join(items), words)
    children = [child.text for parent in parents for child in parent.children]
    assert all(words(parent.text) <= PARENT_MAX_TOKENS for parent in parents)
    assert all(words(child) <= CHILD_MAX_TOKENS for child in children)
    assert " ".join(children) == "، ".join(items)
    # Where there are commas, it is cut at them.
    assert all(child.startswith("کالای شماره") for child in children)


def test_what_runs_on_without_a_blank_is_cut_all_the_same() -> None:
    blob = "x8Fq" * 50_000
    parents = chunk_document("", blob, len)
    children = [child.text for parent in parents for child in parent.children]
    assert "".join(children) == blob
    assert max(map(len, children)) <= CHILD_MAX_TOKENS


def test_a_page_that_runs_on_has_its_say_in_the_prompt() -> None:
    parents = chunk_document("فهرست", "کالای خوب " * 2_000, words)
    parent, child = parents[0], parents[0].children[0]
    chunk = replace(
        a_chunk("a", "فهرست", child.text), parent_text=parent.text, url=None
    )
    assert fill_budget([chunk], 800, words)


def test_the_original_is_kept_letter_for_letter() -> None:
    text = "كتاب‌هاي علي؛ قيمت ۱٬۲۸۰٬۰۰۰.\n\n  - بند اول\n  - بند دوم"
    (parent,) = chunk_document("عنوان", text, words)
    assert parent.text == text


def test_a_document_without_text_is_found_by_its_title() -> None:
    (parent,) = chunk_document("ساعت کاری", " \n", words)
    assert parent.children[0].text == "ساعت کاری"


def test_an_empty_document_has_no_chunks() -> None:
    assert chunk_document(" ", "\n", words) == ()


def test_predecessor_fault_g1_every_chunk_of_a_long_page_is_kept() -> None:
    sentences = [f"جمله {n} از صفحه." for n in range(500)]
    parents = chunk_document("صفحه", "\n".join(sentences), words)
    children = [child for parent in parents for child in parent.children]
    assert [s for c in children for s in split_sentences(c.text)] == sentences


@given(
    st.lists(st.integers(min_value=1, max_value=30), max_size=40),
    st.integers(min_value=5, max_value=60),
    st.integers(min_value=5, max_value=60),
)
def test_limits_hold_and_no_sentence_is_cut_or_lost(
    sizes: list[int], parent_max: int, child_max: int
) -> None:
    sentences = [sentence(size, f"س{i}") for i, size in enumerate(sizes)]
    parents = chunk_document(
        "",
        " ".join(sentences),
        words,
        parent_max_tokens=parent_max,
        child_max_tokens=child_max,
    )
    for texts, limit in (
        ([parent.text for parent in parents], parent_max),
        ([child.text for parent in parents for child in parent.children], child_max),
    ):
        assert [s for text in texts for s in split_sentences(text)] == sentences
        assert all(
            words(text) <= limit or len(split_sentences(text)) == 1 for text in texts
        )


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
