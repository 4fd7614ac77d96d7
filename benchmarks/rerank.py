"""How quickly pairs are reranked, beside `CrossEncoder.predict` on the same model.

Models of `bge-reranker-base`'s and of a MiniLM-12's shape, with random weights: speed
does not depend on them. That the order stays is shown on a small model that truly
ranks. Run it with `python -m benchmarks.rerank`, or `--quick` for a minute's glance.
"""

import argparse
import os
import random
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import CrossEncoder
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    PretrainedConfig,
    XLMRobertaConfig,
)

from retrieval.cross_encoder.compiling import compile_cross_encoder, has_vnni
from retrieval.cross_encoder.quantised import QuantisedCrossEncoder
from tests.support.cross_encoders import (
    Question,
    build_tokenizer,
    make_question,
    save_trained_encoder,
)

Pair = tuple[str, str]
Scorer = Callable[[Sequence[Pair]], NDArray[np.float32]]

SPEED_AIM = 3.0
ORDER_AIM = 0.99
SECONDS_AIM = 2.0
N_CANDIDATES = 20
N_CALLERS = 8
TOP_K = 8
#: Child chunks of a shop: from a line to a paragraph.
PASSAGE_WORDS = (15, 140)
#: Logits; a shared word is worth 3 on the small model. See its test.
CLOSE = 0.3
_WORDS = tuple(f"w{number}" for number in range(2000))


@dataclass(frozen=True, slots=True)
class Shape:
    """A model's measures, with a vocabulary as small as the speed allows."""

    name: str
    config: PretrainedConfig


@dataclass(frozen=True, slots=True)
class Way:
    """One way of scoring; each adds one trick to the one before."""

    name: str
    score: Scorer


def build_shapes() -> list[Shape]:
    """Return the shapes of the two models."""
    vocabulary = 4 + len(_WORDS)
    base = XLMRobertaConfig(
        vocab_size=vocabulary,
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3072,
        max_position_embeddings=514,
        type_vocab_size=1,
        pad_token_id=0,
    )
    mini = BertConfig(
        vocab_size=vocabulary,
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=1536,
    )
    base.num_labels = mini.num_labels = 1
    return [Shape("MiniLM-12", mini), Shape("bge-reranker-base", base)]


def save(shape: Shape, folder: Path) -> None:
    """Save an untrained model of a shape as transformers does."""
    AutoModelForSequenceClassification.from_config(shape.config).save_pretrained(
        str(folder)
    )
    tokenizer = build_tokenizer(_WORDS, max_tokens=512)
    if shape.config.model_type == "xlm-roberta":
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
    tokenizer.save_pretrained(str(folder))


def make_pairs(dice: random.Random, n: int = N_CANDIDATES) -> list[Pair]:
    """Make up a question and its candidates, of the lengths that child chunks have."""
    query = " ".join(dice.choices(_WORDS, k=8))
    return [
        (query, " ".join(dice.choices(_WORDS, k=dice.randint(*PASSAGE_WORDS))))
        for _ in range(n)
    ]


def predict_with(model: CrossEncoder, batch_size: int | None = None) -> Scorer:
    """Return `CrossEncoder.predict`, with its own batches unless told otherwise."""

    def score(pairs: Sequence[Pair]) -> NDArray[np.float32]:
        scores = model.predict(
            [*pairs], batch_size=batch_size or 32, show_progress_bar=False
        )
        return np.asarray(scores, dtype=np.float32)

    return score


def open_ways(source: Path, compiled: Path, threads: int) -> list[Way]:
    """Open the ways to compare, from the plain one to ours."""
    reduce_range = not has_vnni(Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    compile_cross_encoder(source, compiled, reduce_range=reduce_range)
    plain = CrossEncoder(str(source), device="cpu")
    whole = QuantisedCrossEncoder(compiled, threads=threads, batch_tokens=10**9)
    sorted_ = QuantisedCrossEncoder(compiled, threads=threads)
    return [
        Way("CrossEncoder.predict, fp32", predict_with(plain)),
        Way("the same, batches of 4", predict_with(plain, 4)),
        Way("int8, one padded batch", whole.score),
        Way("int8, batches by length", sorted_.score),
    ]


def time_ways(
    ways: Sequence[Way], questions: Sequence[Sequence[Pair]], rounds: int
) -> list[float]:
    """Return each way's seconds for all questions: the best of alternating rounds."""
    best = [float("inf")] * len(ways)
    for way in ways:
        way.score(questions[0][:4])
    for _ in range(rounds):
        for place, way in enumerate(ways):
            began = time.perf_counter()
            for pairs in questions:
                way.score(pairs)
            best[place] = min(best[place], time.perf_counter() - began)
    return best


def report_speed(shape: Shape, folder: Path, *, rounds: int, n_questions: int) -> Way:
    """Print the table of one shape; return our way."""
    threads = len(os.sched_getaffinity(0))
    source, compiled = folder / shape.name, folder / f"{shape.name}-int8"
    save(shape, source)
    ways = open_ways(source, compiled, threads)
    dice = random.Random(1)  # noqa: S311 - the same pairs every time
    questions = [make_pairs(dice) for _ in range(n_questions)]
    seconds = time_ways(ways, questions, rounds)
    n_pairs = sum(len(pairs) for pairs in questions)
    print(f"\n{shape.name}'s shape, {threads} threads")
    print(f"{'way':<30}{'pairs/s':>9}{'gain':>7}{'s per 20':>10}")
    for way, elapsed in zip(ways, seconds, strict=True):
        gain, each = seconds[0] / elapsed, elapsed / n_questions
        print(f"{way.name:<30}{n_pairs / elapsed:>9.1f}{gain:>6.2f}x{each:>10.2f}")
    print(
        f"{N_CANDIDATES} chunks in {seconds[-1] / n_questions:.2f} s "
        f"(aim: under {SECONDS_AIM:.0f}), {seconds[0] / seconds[-1]:.1f}x "
        f"(aim: {SPEED_AIM:.0f}x)"
    )
    return ways[-1]


def report_callers(way: Way, *, n_callers: int = N_CALLERS) -> None:
    """Print what many callers at once get, one after another and in one batch."""
    dice = random.Random(2)  # noqa: S311 - the same pairs every time
    asked = [make_pairs(dice) for _ in range(n_callers)]
    began = time.perf_counter()
    way.score([pair for pairs in asked for pair in pairs])
    together = time.perf_counter() - began
    began = time.perf_counter()
    with ThreadPoolExecutor(n_callers) as pool:
        list(pool.map(way.score, asked))
    apart = time.perf_counter() - began
    n_pairs = n_callers * N_CANDIDATES
    print(f"{n_callers} callers, shared batches:  {n_pairs / together:.1f} pairs/s")
    print(f"{n_callers} callers, each on its own: {n_pairs / apart:.1f} pairs/s")


def is_same_order(wanted: NDArray[np.float32], got: NDArray[np.float32]) -> bool:
    """Tell whether the top of `got` is right by `wanted`, ties aside."""
    along = wanted[np.argsort(-got, kind="stable")]
    later = np.maximum.accumulate(along[::-1])[::-1]
    return bool((along[:TOP_K] >= later[1 : TOP_K + 1] - CLOSE).all())


def report_order(folder: Path, *, n_questions: int) -> None:
    """Print how often the order stays on a model that truly ranks."""
    from torch.nn import Identity

    save_trained_encoder(folder / "overlap")
    compile_cross_encoder(
        folder / "overlap", folder / "overlap-int8", reduce_range=False
    )
    plain = CrossEncoder(
        str(folder / "overlap"), device="cpu", activation_fn=Identity()
    )
    ours = QuantisedCrossEncoder(folder / "overlap-int8", threads=1)
    dice = random.Random(3)  # noqa: S311 - the same questions every time
    asked = [make_question(dice) for _ in range(n_questions)]
    kept = first = 0
    for question in asked:
        pairs = pairs_of(question)
        wanted, got = predict_with(plain)(pairs), ours.score(pairs)
        kept += is_same_order(wanted, got)
        first += int(np.argmax(wanted)) == int(np.argmax(got))
    print(f"\norder on a model that truly ranks, {n_questions} questions")
    print(f"top {TOP_K} alike: {kept / n_questions:.1%} (aim: {ORDER_AIM:.0%})")
    print(f"first alike: {first / n_questions:.1%}")


def pairs_of(question: Question) -> list[Pair]:
    """Return a question with each of its passages."""
    return [(question.query, passage) for passage in question.passages]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds, one question")
    quick = parser.parse_args().quick
    # Its progress bars and advice would stand between the figures.
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="rerank-") as name:
        folder = Path(name)
        for shape in build_shapes():
            ours = report_speed(
                shape, folder, rounds=1 if quick else 5, n_questions=1 if quick else 4
            )
            report_callers(ours, n_callers=2 if quick else N_CALLERS)
        report_order(folder, n_questions=50 if quick else 500)


if __name__ == "__main__":
    main()
