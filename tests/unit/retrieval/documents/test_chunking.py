"""Documents into parents and chunks of whole blocks; long spans into pieces."""

from hypothesis import given
from hypothesis import strategies as st

from retrieval.documents.blocks import BlockKind
from retrieval.documents.chunking import (
    CHUNK_MAX_TOKENS,
    PARENT_MAX_TOKENS,
    SENTENCE_MAX_TOKENS,
    Parent,
    chunk_document,
    cut_run_on,
)
from retrieval.text.sentences import Span, split_sentences


def words(text: str) -> int:
    """Count words, as a tokeniser that can be followed by hand."""
    return len(text.split())


def sentence(n: int, mark: str = "واژه‌ها") -> str:
    """Make a sentence of n words."""
    return " ".join([mark] * n) + "."


def found(parents: tuple[Parent, ...]) -> list[str]:
    """List the texts of all chunks."""
    return [chunk.text for parent in parents for chunk in parent.chunks]


def test_a_short_document_is_one_parent_with_one_chunk() -> None:
    text = "هزینه ارسال ۴۵ هزار تومان است. دو روز طول می‌کشد."
    (parent,) = chunk_document("ارسال", text, words)
    assert parent.text == text
    assert found((parent,)) == [text]


def test_every_pair_row_and_item_is_a_chunk_that_knows_its_block() -> None:
    text = (
        "## ارسال\n\nس: شب هم می‌آورید؟\nج: بله.\n\n- با پست\n- با پیک\n\n"
        "| شهر | هزینه |\n|---|---|\n| شیراز | ۴۵ |\n| کیش | ۹۰ |"
    )
    (parent,) = chunk_document("", text, words)
    assert [chunk.block.kind for chunk in parent.chunks] == [
        BlockKind.PAIR,
        BlockKind.LIST_ITEM,
        BlockKind.LIST_ITEM,
        BlockKind.TABLE_ROW,
        BlockKind.TABLE_ROW,
    ]
    assert found((parent,)) == [
        "ارسال\nشب هم می‌آورید؟\nبله.",
        "ارسال\nبا پست",
        "ارسال\nبا پیک",
        "ارسال\nشهر: شیراز، هزینه: ۴۵",
        "ارسال\nشهر: کیش، هزینه: ۹۰",
    ]
    assert parent.text.startswith("ارسال\nشب هم می‌آورید؟\nبله.\nبا پست\n")


def test_a_parent_holds_the_blocks_below_one_heading() -> None:
    text = "# یک\n\nاولی است.\n\n# دو\n\nدومی است."
    assert [parent.text for parent in chunk_document("", text, words)] == [
        "یک\nاولی است.",
        "دو\nدومی است.",
    ]


def test_long_prose_is_cut_between_sentences_and_positions_run_through() -> None:
    text = " ".join(sentence(50) for _ in range(12))
    parents = chunk_document("", text, words)
    chunks = [chunk for parent in parents for chunk in parent.chunks]
    assert [words(parent.text) for parent in parents] == [300, 300]
    assert [words(chunk.text) for chunk in chunks] == [100] * 6
    assert [chunk.position for chunk in chunks] == list(range(6))


def test_an_overlong_sentence_is_a_chunk_of_its_own() -> None:
    text = f"{sentence(2)} {sentence(200)} {sentence(2)}"
    sizes = [words(text) for text in found(chunk_document("", text, words))]
    assert sizes == [2, 200, 2]


def test_what_runs_on_for_pages_is_no_sentence_and_is_cut_between_words() -> None:
    # A price list on one line, as shops paste it: whole, it had room in no prompt.
    items = [f"کالای شماره {n} به قیمت {n} هزار تومان" for n in range(300)]
    parents = chunk_document("فهرست", "، ".join(items), words)
    pieces = found(parents)
    assert all(words(parent.text) <= PARENT_MAX_TOKENS for parent in parents)
    assert all(words(piece) <= SENTENCE_MAX_TOKENS for piece in pieces)
    assert " ".join(pieces) == "، ".join(items)
    # Where there are commas, it is cut at them.
    assert all(piece.startswith("کالای شماره") for piece in pieces)


def test_what_runs_on_without_a_blank_is_cut_all_the_same() -> None:
    blob = "x8Fq" * 50_000
    pieces = found(chunk_document("", blob, len))
    assert "".join(pieces) == blob
    assert max(map(len, pieces)) <= SENTENCE_MAX_TOKENS


def test_letters_are_kept_as_they_were_written() -> None:
    text = "كتاب‌هاي علي؛ قيمت ۱٬۲۸۰٬۰۰۰."
    (parent,) = chunk_document("عنوان", text, words)
    assert parent.text == text


def test_a_document_without_text_is_found_by_its_title() -> None:
    assert found(chunk_document("ساعت کاری", " \n", words)) == ["ساعت کاری"]


def test_a_document_of_headings_alone_is_found_by_them() -> None:
    assert found(chunk_document("", "# ارسال\n\n# مرجوعی", words)) == ["ارسال\nمرجوعی"]


def test_an_empty_document_has_no_chunks() -> None:
    assert chunk_document(" ", "\n", words) == ()


def test_predecessor_fault_g1_every_chunk_of_a_long_page_is_kept() -> None:
    sentences = [f"جمله شماره {n} از صفحه." for n in range(500)]
    parents = chunk_document("صفحه", "\n".join(sentences), words)
    assert [s for text in found(parents) for s in split_sentences(text)] == sentences


@given(st.lists(st.integers(min_value=2, max_value=150), max_size=40))
def test_limits_hold_and_no_sentence_is_cut_or_lost(sizes: list[int]) -> None:
    sentences = [sentence(size, f"واژه{i}") for i, size in enumerate(sizes)]
    parents = chunk_document("", " ".join(sentences), words)
    for texts, limit in (
        ([parent.text for parent in parents], PARENT_MAX_TOKENS),
        (found(parents), CHUNK_MAX_TOKENS),
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
