"""The sparse arm: pieces of words, and the scores of `rank_bm25`."""

from collections.abc import Mapping
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.index.bm25 import (
    Bm25Index,
    LuceneBM25,
    document_pieces,
    fit_texts,
    grams,
    seams,
)
from retrieval.text.normalise import normalise

DOCUMENTS = [
    "مانتو لینن سفید، قیمت ۱٬۱۵۰٬۰۰۰ تومان",
    "مانتو لینن مشکی",
    "شلوار جین آبی، شلوار بگ و شلوار پارچه‌ای",
    "هزینه ارسال به تهران",
    "",
    "Free shipping for large orders",
]


def scores_by_key(index: Bm25Index, query: str) -> dict[int, float]:
    keys, scores = index.scores(query)
    return dict(zip(keys.tolist(), scores.tolist(), strict=True))


def anew(texts: Mapping[int, str], query: str) -> dict[int, float]:
    """Score as `rank_bm25` does, fitted to all texts at once."""
    if not any(texts.values()):  # it divides by the average length
        return dict.fromkeys(texts, 0.0)
    reference = LuceneBM25([document_pieces(text) for text in texts.values()])
    return dict(zip(texts, reference.get_scores(grams(query)).tolist(), strict=True))


def test_a_word_gives_its_three_and_four_letter_pieces() -> None:
    assert grams("نخ") == [" نخ", "نخ ", " نخ "]
    assert grams("قد‌بلند") == grams("قدبلند")
    assert grams("و") == [" و "]
    assert grams("؟ ") == []


def test_words_meet_at_seams_that_are_no_words_pieces() -> None:
    assert seams(["پیراهن", "مردانه", "نخ"]) == ["اهن مرد", "انه نخ"]
    assert seams(["تنها"]) == []
    assert not set(seams(["و", "در", "و"])) & set(grams("و در و"))
    assert document_pieces("نخ و سوزن") == [
        *grams("نخ و سوزن"),
        "نخ و",
        "و سوز",
    ]


def test_the_idf_is_lucenes() -> None:
    fitted = LuceneBM25([["a", "b"], ["a"], ["c"]])
    # Of N = 3: a in 2, b in 1.
    assert fitted.idf["a"] == pytest.approx(np.log(1 + (3 - 2 + 0.5) / (2 + 0.5)))
    assert fitted.idf["b"] == pytest.approx(np.log(1 + (3 - 1 + 0.5) / (1 + 0.5)))


@pytest.mark.parametrize(
    "query", ["مانتو سفيد", "شلوار شلوار جین", "ارسال", "shiping", "نیست؟", ""]
)
def test_scores_equal_those_of_rank_bm25(query: str) -> None:
    index = Bm25Index()
    index.add(range(len(DOCUMENTS)), DOCUMENTS)
    reference = LuceneBM25([document_pieces(text) for text in DOCUMENTS])
    expected = reference.get_scores(grams(query))
    assert list(scores_by_key(index, query).values()) == pytest.approx(
        list(expected), rel=1e-6
    )


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from([None, *DOCUMENTS])), max_size=12
    )
)
def test_after_any_edits_scores_equal_a_fit_to_what_is_left(
    edits: list[tuple[int, str | None]],
) -> None:
    index, texts = Bm25Index(), dict[int, str]()
    for key, text in edits:
        if text is None:
            index.remove([key])
            texts.pop(key, None)
        else:
            index.add([key], [text])
            texts[key] = text
        # Asked in between, even while it is empty, it lays itself out each time.
        index.scores("مانتو")
    found = scores_by_key(index, "مانتو لینن ارسال")
    assert len(index) == len(texts)
    assert found == pytest.approx(anew(texts, "مانتو لینن ارسال"), rel=1e-6)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5), st.sampled_from([None, *DOCUMENTS]), st.booleans()
        ),
        max_size=12,
    )
)
def test_after_any_changes_scores_equal_a_fit_to_what_is_left(
    edits: list[tuple[int, str | None, bool]],
) -> None:
    index, texts = Bm25Index(), dict[int, str]()
    keys = count()
    key_of: dict[int, int] = {}
    for document, text, more_follows in edits:
        # As a tenant's index does it: what is written anew has a new key.
        gone = [key_of.pop(document)] if document in key_of else []
        added = [] if text is None else [next(keys)]
        index.scores("مانتو")
        index = index.changed(
            gone,
            added,
            fit_texts([text] if text is not None else []),
            more_follows=more_follows,
        )
        for key in gone:
            del texts[key]
        for key in added:
            key_of[document], texts[key] = key, str(text)
    index = index.settled()
    found = scores_by_key(index, "مانتو لینن ارسال")
    assert len(index) == len(texts)
    assert found == pytest.approx(anew(texts, "مانتو لینن ارسال"), rel=1e-6)


def test_a_change_leaves_the_index_before_it_as_it_was() -> None:
    before = Bm25Index()
    before.add([0, 1], ["مانتو لینن", "ارسال رایگان"])
    found = scores_by_key(before, "مانتو ارسال")
    after = before.changed([0], [2], fit_texts(["مانتو نخی"]))
    assert scores_by_key(before, "مانتو ارسال") == found
    assert scores_by_key(after, "مانتو ارسال").keys() == {1, 2}


def test_a_change_is_laid_out_before_anybody_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = Bm25Index()
    index.add(range(2_000), [f"کالای {n}" for n in range(2_000)])
    index = index.settled()
    few = index.changed([3], [2_000], fit_texts(["مانتو"]))
    many = index.changed(range(500), [2_000], fit_texts(["مانتو"]))
    meanwhile = index.changed(range(500), [], fit_texts([]), more_follows=True)
    meanwhile = meanwhile.changed([], [2_000], fit_texts(["مانتو"]), more_follows=True)

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("retrieval.index.bm25.lay_out", refuse)
    for changed in (few, many, meanwhile):
        keys, scores = changed.scores("مانتو")
        assert keys[scores > 0].tolist() == [2_000]


def test_texts_that_went_leave_no_terms_and_no_strange_words_behind() -> None:
    index, text = Bm25Index(), ""
    for n in range(40):
        text = f"{chr(1575 + n % 9)}کالای{n:03}شماره{n:03}"
        index = index.changed([n - 1], [n], fit_texts([text])).settled()
    fresh = Bm25Index()
    fresh.add([0], [text])
    assert fresh.n_terms <= index.n_terms <= 1.25 * fresh.n_terms
    assert index.share_of_strange(["کالای000شماره000"]) == 1
    assert index.share_of_strange(normalise(text).split()) == 0
    assert index.coverage(normalise(text).split(), 39) == 1


def test_coverage_is_the_mean_share_of_found_pieces() -> None:
    index = Bm25Index()
    index.add([7], ["مانتو نخی"])
    # `نخ` has 3 pieces, of which " نخ" begins `نخی` too; `مانتو` is there whole.
    assert index.coverage(["مانتو", "نخ"], 7) == pytest.approx((1 + 1 / 3) / 2)
    assert index.coverage(["shirt"], 7) == 0.0
    assert index.coverage([], 7) == 0.0


def test_predecessor_fault_g5_keyword_search_ranks_by_rarity_and_length() -> None:
    index = Bm25Index()
    index.add([1, 2, 3], ["ارسال " * 3 + "و " * 60, "ارسال رایگان", "ارسال پیک"])
    scores = scores_by_key(index, "ارسال رایگان")
    # A substring count would prefer the long page that repeats the common word.
    assert max(scores, key=scores.__getitem__) == 2


def test_an_edit_of_a_large_index_is_there_at_once_and_scores_nearly_as_anew() -> None:
    texts = {n: f"کالای {n} قیمت {n * 7} تومان موجود" for n in range(2_500)}
    edited = Bm25Index()
    edited.add([*texts], [*texts.values()])
    scores_by_key(edited, "کالا")
    edited.remove([3, 4])
    edited.add([2_500, 2_501], ["مانتو لینن قیمت ۵", "مانتوی نخی"])
    edited.remove([2_501])
    texts |= {2_500: "مانتو لینن قیمت ۵"}
    fresh = Bm25Index()
    kept = {key: text for key, text in texts.items() if key not in {3, 4}}
    fresh.add([*kept], [*kept.values()])
    for query in ("مانتو لینن", "قیمت کالای 17", "کالای 3"):
        found, expected = scores_by_key(edited, query), scores_by_key(fresh, query)
        assert found.pop(3, 0) == found.pop(4, 0) == 0
        assert found == pytest.approx(expected, rel=0.01, abs=0.01)
        assert max(found, key=found.__getitem__) == max(
            expected, key=expected.__getitem__
        )


def test_a_large_index_that_changed_much_is_laid_out_anew() -> None:
    index = Bm25Index()
    index.add(range(2_000), [f"کالای {n}" for n in range(2_000)])
    scores_by_key(index, "کالا")
    index.remove(range(500))
    index.add([0], ["مانتو"])
    keys, scores = index.scores("مانتو")
    assert len(keys) == len(index) == 1_501
    assert keys[scores > 0].tolist() == [0]
