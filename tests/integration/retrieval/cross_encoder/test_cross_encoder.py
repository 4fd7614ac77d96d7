"""The compiled cross-encoder ranks as the one that it was made from."""

import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sentence_transformers import CrossEncoder

from retrieval.cross_encoder.compiling import compile_cross_encoder, has_vnni
from retrieval.cross_encoder.quantised import Manifest, QuantisedCrossEncoder
from retrieval.cross_encoder.runtime import FullCrossEncoder
from retrieval.errors import RerankerUnavailableError
from tests.support.cross_encoders import WORDS, Question, make_question

#: Logits; what 8 bits leave of differences smaller than this is chance. One shared word
#: more is worth 3.
CLOSE = 0.3


@pytest.fixture(scope="module")
def original(cross_encoder_dir: Path) -> CrossEncoder:
    # Threads that meet at every tiny step cost more than they bring.
    torch.set_num_threads(1)
    model: CrossEncoder = CrossEncoder(str(cross_encoder_dir), device="cpu")
    return model


@pytest.fixture(scope="module")
def asked(original: CrossEncoder) -> list[tuple[Question, NDArray[np.float32]]]:
    """A hundred questions, each with the original's scores of its passages."""
    return [(one, predict(original, pairs_of(one))) for one in questions(100)]


@pytest.fixture(scope="module")
def compiled_dir(
    cross_encoder_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("compiled") / "overlap"
    compile_cross_encoder(cross_encoder_dir, folder, reduce_range=False)
    return folder


@pytest.fixture(scope="module")
def quantised(compiled_dir: Path) -> QuantisedCrossEncoder:
    return QuantisedCrossEncoder(compiled_dir, threads=1)


def pairs_of(question: Question) -> list[tuple[str, str]]:
    return [(question.query, passage) for passage in question.passages]


def predict(model: CrossEncoder, pairs: list[tuple[str, str]]) -> NDArray[np.float32]:
    return np.asarray(
        model.predict(
            pairs, show_progress_bar=False, activation_fn=torch.nn.Identity()
        ),
        dtype=np.float32,
    )


def questions(n: int) -> list[Question]:
    dice = random.Random(5)  # noqa: S311 - the same questions every time
    return [make_question(dice) for _ in range(n)]


def test_it_finds_the_passage_that_holds_every_word(
    quantised: QuantisedCrossEncoder,
    asked: list[tuple[Question, NDArray[np.float32]]],
) -> None:
    found = [
        question.overlaps[int(np.argmax(quantised.score(pairs_of(question))))]
        for question, _ in asked
    ]
    assert found.count(3) >= 98


def test_the_top_eight_are_in_the_order_of_the_original(
    quantised: QuantisedCrossEncoder,
    asked: list[tuple[Question, NDArray[np.float32]]],
) -> None:
    equal = 0
    for question, wanted in asked:
        order = np.argsort(-quantised.score(pairs_of(question)), kind="stable")
        along = wanted[order]
        # Each of the eight is as good as the best of those that come after it.
        later = np.maximum.accumulate(along[::-1])[::-1]
        equal += bool((along[:8] >= later[1:9] - CLOSE).all())
    assert equal >= 99


def test_scores_do_not_depend_on_who_shares_the_batch(
    quantised: QuantisedCrossEncoder,
) -> None:
    pairs = pairs_of(questions(1)[0])
    alone = np.concatenate([quantised.score([pair]) for pair in pairs])
    # Activations are quantised by the range of the whole batch, so not to the last bit.
    assert np.abs(alone - quantised.score(pairs)).max() < CLOSE


def test_callers_at_once_on_several_threads_each_get_their_own_scores(
    compiled_dir: Path, quantised: QuantisedCrossEncoder
) -> None:
    shared = QuantisedCrossEncoder(compiled_dir, threads=3)
    asked = [pairs_of(question) for question in questions(8)]
    with ThreadPoolExecutor(len(asked)) as callers:
        answers = list(callers.map(shared.score, asked))
    for pairs, scores in zip(asked, answers, strict=True):
        assert np.abs(scores - quantised.score(pairs)).max() < CLOSE


def test_a_failure_on_any_thread_reaches_the_caller(compiled_dir: Path) -> None:
    manifest = Manifest.load(compiled_dir)
    # As if it had been trained with more positions than the graph has.
    too_long = compiled_dir.parent / "long"
    shutil.copytree(compiled_dir, too_long)
    Manifest(manifest.max_tokens * 4, manifest.pad_token_id).save(too_long)
    broken = QuantisedCrossEncoder(too_long, threads=3)
    long = " ".join(WORDS * 4)  # 160 words, the model has 64 positions
    with pytest.raises(Exception, match="Non-zero status code"):
        broken.score([("بار", "بین"), ("بار", long), ("بار", long), ("بار", "بوم")])
    assert np.isfinite(broken.score([("بار", "بین")])).all()


def test_a_pair_that_is_too_long_is_cut_as_the_original_cuts_it(
    quantised: QuantisedCrossEncoder, original: CrossEncoder
) -> None:
    question = questions(1)[0]
    long = [(question.query, " ".join(question.passages))]
    assert quantised.score(long) == pytest.approx(predict(original, long), abs=CLOSE)


def test_empty_texts_have_a_score_and_no_pairs_have_none(
    quantised: QuantisedCrossEncoder,
) -> None:
    assert np.isfinite(quantised.score([("", ""), ("", "بار")])).all()
    assert quantised.score([]).shape == (0,)


def test_weights_in_seven_bits_rank_alike(
    cross_encoder_dir: Path,
    asked: list[tuple[Question, NDArray[np.float32]]],
    tmp_path: Path,
) -> None:
    compile_cross_encoder(cross_encoder_dir, tmp_path / "m", reduce_range=True)
    narrow = QuantisedCrossEncoder(tmp_path / "m", threads=1)
    for question, wanted in asked[:20]:
        best = int(np.argmax(narrow.score(pairs_of(question))))
        assert wanted[best] >= wanted.max() - 2 * CLOSE


def test_the_uncompiled_runtime_gives_the_original_scores(
    cross_encoder_dir: Path, original: CrossEncoder
) -> None:
    pairs = pairs_of(questions(1)[0])
    full = FullCrossEncoder(cross_encoder_dir, threads=1)
    assert full.score(pairs) == pytest.approx(predict(original, pairs), abs=1e-4)


def test_a_folder_that_holds_no_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(RerankerUnavailableError):
        QuantisedCrossEncoder(tmp_path, threads=1)
    with pytest.raises(RerankerUnavailableError):
        FullCrossEncoder(tmp_path, threads=1)


def test_a_processor_that_adds_in_32_bits_is_known_by_its_flags() -> None:
    assert has_vnni("flags : fpu avx512_vnni")
    assert has_vnni("flags : fpu avx_vnni")
    assert not has_vnni("flags : fpu avx2")
