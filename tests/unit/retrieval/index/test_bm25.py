"""The sparse index: character n-grams, and the scores of `rank_bm25`."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from retrieval.index import bm25
from retrieval.index.bm25 import (
    K1,
    B,
    Bm25Index,
    char_ngrams,
    count_terms,
    cross_word_ngrams,
    lucene_idf,
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


class LuceneBM25(BM25Okapi):  # type: ignore[misc]  # rank_bm25 has no annotations
    """`rank_bm25`'s Okapi with Lucene's idf: the reference for our scores."""

    def __init__(self, corpus: Sequence[Sequence[str]]) -> None:
        super().__init__(corpus, k1=K1, b=B)

    def _calc_idf(self, nd: Mapping[str, int]) -> None:
        n_documents = np.array([*nd.values()], dtype=np.int64)
        self.idf = dict(zip(nd, lucene_idf(self.corpus_size, n_documents), strict=True))


def document_terms(text: str) -> list[str]:
    return [*count_terms(text).counts.elements()]


def build_index(texts: Mapping[int, str] | Sequence[str]) -> Bm25Index:
    by_key = texts if isinstance(texts, Mapping) else dict(enumerate(texts))
    counted = [count_terms(text) for text in by_key.values()]
    return Bm25Index().changed((), [*by_key], counted).built()


def scores_by_key(index: Bm25Index, query: str) -> dict[int, float]:
    keys, scores = index.scores(query)
    return dict(zip(keys.tolist(), scores.tolist(), strict=True))


def score_by_reference(texts: Mapping[int, str], query: str) -> dict[int, float]:
    """Score as `rank_bm25` does, fitted to all texts at once."""
    if not any(texts.values()):  # it divides by the average length
        return dict.fromkeys(texts, 0.0)
    reference = LuceneBM25([document_terms(text) for text in texts.values()])
    return dict(
        zip(texts, reference.get_scores(char_ngrams(query)).tolist(), strict=True)
    )


def test_a_word_gives_its_three_and_four_letter_n_grams() -> None:
    assert char_ngrams("نخ") == [" نخ", "نخ ", " نخ "]
    assert char_ngrams("قد‌بلند") == char_ngrams("قدبلند")
    assert char_ngrams("و") == [" و "]
    assert char_ngrams("؟ ") == []


def test_cross_word_n_grams_are_no_words_own() -> None:
    assert cross_word_ngrams(["پیراهن", "مردانه", "نخ"]) == ["اهن مرد", "انه نخ"]
    assert cross_word_ngrams(["تنها"]) == []
    assert not set(cross_word_ngrams(["و", "در", "و"])) & set(char_ngrams("و در و"))
    assert document_terms("نخ و سوزن") == [
        *char_ngrams("نخ و سوزن"),
        "نخ و",
        "و سوز",
    ]


@pytest.mark.parametrize(
    "asked", ["1280000", "۱٬۲۸۰٬۰۰۰", "1.280.000", "۱ میلیون و ۲۸۰ هزار تومن"]
)
def test_a_price_is_found_by_its_value_however_it_is_written(asked: str) -> None:
    written = ["قیمت ۱٫۲۸۰٫۰۰۰ تومان", "قیمت 1.450.000 تومان", "قیمت ۹۸۰ ۰۰۰ تومان"]
    scores = scores_by_key(build_index(written), asked)
    assert max(scores, key=scores.__getitem__) == 0


def test_figures_beside_the_written_words_make_no_document_longer() -> None:
    # The same letters, once as a number and once as none.
    number, none = count_terms("قیمت ۹۸۰ هزار"), count_terms("قیمت ۹۸۰ هژار")
    assert set(char_ngrams("980000")) <= set(number.counts)
    assert number.length == none.length


def test_the_idf_is_lucenes() -> None:
    fitted = LuceneBM25([["a", "b"], ["a"], ["c"]])
    # Of N = 3: a in 2, b in 1.
    assert fitted.idf["a"] == pytest.approx(np.log(1 + (3 - 2 + 0.5) / (2 + 0.5)))
    assert fitted.idf["b"] == pytest.approx(np.log(1 + (3 - 1 + 0.5) / (1 + 0.5)))


@pytest.mark.parametrize(
    "query", ["مانتو سفيد", "شلوار شلوار جین", "ارسال", "shiping", "نیست؟", ""]
)
def test_scores_equal_those_of_rank_bm25(query: str) -> None:
    index = build_index(DOCUMENTS)
    reference = LuceneBM25([document_terms(text) for text in DOCUMENTS])
    expected = reference.get_scores(char_ngrams(query))
    assert list(scores_by_key(index, query).values()) == pytest.approx(
        list(expected), rel=1e-6
    )


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
    for document, text, is_asked in edits:
        # As a tenant's index does it: what is written anew has a new key.
        gone = [key_of.pop(document)] if document in key_of else []
        added = [] if text is None else [next(keys)]
        if is_asked:
            # Asked in between, even while it is empty, it builds its matrix.
            index.scores("مانتو")
        index = index.changed(
            gone, added, [count_terms(text)] if text is not None else []
        )
        for key in gone:
            del texts[key]
        for key in added:
            key_of[document], texts[key] = key, str(text)
    found = scores_by_key(index, "مانتو لینن ارسال")
    assert len(index) == len(texts)
    assert found == pytest.approx(
        score_by_reference(texts, "مانتو لینن ارسال"), rel=1e-6
    )


def test_a_change_leaves_the_index_before_it_as_it_was() -> None:
    before = build_index(["مانتو لینن", "ارسال رایگان"])
    found = scores_by_key(before, "مانتو ارسال نخی")
    after = before.changed([0], [2], [count_terms("مانتو نخی")])
    assert scores_by_key(before, "مانتو ارسال نخی") == found
    assert before.oov_share(["نخی"]) == 1
    assert after.oov_share(["نخی"]) == 0
    assert scores_by_key(after, "مانتو ارسال").keys() == {1, 2}


def test_a_change_is_built_before_anybody_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = build_index([f"کالای {n}" for n in range(2_000)])
    few = index.changed([3], [2_000], [count_terms("مانتو")])
    many = index.changed(range(500), [2_000], [count_terms("مانتو")])
    twice = index.changed(range(500), [], []).changed(
        [], [2_000], [count_terms("مانتو")]
    )

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(bm25, "_build_matrix", refuse)
    for changed in (few, many, twice):
        keys, scores = changed.scores("مانتو")
        assert keys[scores > 0].tolist() == [2_000]
        assert 3 not in keys


def test_texts_that_went_leave_no_terms_and_no_known_words_behind() -> None:
    index, text = Bm25Index().built(), ""
    for n in range(40):
        text = f"{chr(1575 + n % 9)}کالای{n:03}شماره{n:03}"
        index = index.changed([n - 1], [n], [count_terms(text)])
        assert index.oov_share(normalise(text).split()) == 0
        assert index.coverage(normalise(text).split(), n) == 1
    fresh = build_index([text])
    n_terms, n_fresh = len(index._term_ids), len(fresh._term_ids)
    assert n_fresh <= n_terms <= 1.25 * n_fresh
    assert index.oov_share(["کالای000شماره000"]) == 1


def test_a_word_is_out_of_vocabulary_when_an_n_gram_of_it_is_in_no_document() -> None:
    index = build_index(["هزینه ارسال با پست"])
    assert index.oov_share(["ارسال", "پست"]) == 0
    assert index.oov_share(["ارصال", "پست"]) == 0.5
    assert index.oov_share([]) == 0


def test_a_word_of_a_text_that_went_is_out_of_vocabulary_at_once() -> None:
    texts = {n: f"کالای شماره {n} موجود است" for n in range(50)}
    index = build_index({**texts, 50: "پالتو"})
    assert index.oov_share(["پالتو", "کالای"]) == 0
    assert index.changed([50], [], []).oov_share(["پالتو", "کالای"]) == 0.5


def test_coverage_is_the_mean_share_of_found_n_grams() -> None:
    index = build_index({7: "مانتو نخی"})
    # `نخ` has 3 n-grams, of which " نخ" begins `نخی` too; `مانتو` is there whole.
    assert index.coverage(["مانتو", "نخ"], 7) == pytest.approx((1 + 1 / 3) / 2)
    assert index.coverage(["shirt"], 7) == 0.0
    assert index.coverage([], 7) == 0.0


def test_predecessor_fault_g5_keyword_search_ranks_by_rarity_and_length() -> None:
    index = build_index(
        {1: "ارسال " * 3 + "و " * 60, 2: "ارسال رایگان", 3: "ارسال پیک"}
    )
    scores = scores_by_key(index, "ارسال رایگان")
    # A substring count would prefer the long page that repeats the common word.
    assert max(scores, key=scores.__getitem__) == 2


def test_an_edit_of_a_large_index_is_there_at_once_and_scores_as_anew() -> None:
    texts = {n: f"کالای {n} قیمت {n * 7} تومان موجود" for n in range(2_500)}
    edited = build_index(texts).changed(
        [3, 4],
        [2_500, 2_501],
        [count_terms("مانتو لینن قیمت ۵"), count_terms("مانتوی نخی")],
    )
    edited = edited.changed([2_501], [], [])
    kept = {key: text for key, text in texts.items() if key not in {3, 4}}
    fresh = build_index({**kept, 2_500: "مانتو لینن قیمت ۵"})
    for query in ("مانتو لینن", "قیمت کالای 17", "کالای 3"):
        found, expected = scores_by_key(edited, query), scores_by_key(fresh, query)
        assert found == pytest.approx(expected, rel=1e-6)


def test_first_questions_at_once_see_the_same_scores() -> None:
    # An index that nobody has built yet, and whose dead terms are forgotten then.
    texts = {key: f"گلدان {key} رنگ{key} سایز{key}" for key in range(40)}
    counted = [count_terms(text) for text in texts.values()]
    rest = {key: text for key, text in texts.items() if key >= 30}
    expected = scores_by_key(build_index(rest), "گلدان رنگ35")
    for _ in range(10):
        index = Bm25Index().changed((), [*texts], counted).changed(range(30), (), ())
        gate = threading.Barrier(4)

        def ask(index: Bm25Index, gate: threading.Barrier) -> dict[int, float]:
            gate.wait()
            return scores_by_key(index, "گلدان رنگ35")

        with ThreadPoolExecutor(4) as threads:
            asked = [threads.submit(ask, index, gate) for _ in range(4)]
        assert all(answer.result() == pytest.approx(expected) for answer in asked)
