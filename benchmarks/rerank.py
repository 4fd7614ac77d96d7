"""How quickly pairs are reranked, beside `CrossEncoder.predict` on the same model.

Models of `bge-reranker-base`'s and of a MiniLM-12's shape, with random weights: speed
does not depend on them. That the order stays is shown on a small model that truly
ranks. Run it with `python -m benchmarks.rerank`: three minutes on two quiet
processors; `--quick` for a glance, `--only MiniLM-12` for one shape.
"""

import argparse
import logging
import math
import os
import random
import sys
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
from transformers.utils.logging import disable_progress_bar

from retrieval.cross_encoder.compiling import compile_cross_encoder, has_vnni
from retrieval.cross_encoder.full import FullCrossEncoder
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
#: What they are cut from, at the longest: a parent is as long as its child or longer.
PARENT_WORDS = 400
#: Logits; a shared word is worth 3 on the small model. See its test.
CLOSE = 0.3
_WORDS = tuple(f"w{number}" for number in range(2000))


@dataclass(frozen=True, slots=True)
class Shape:
    """A model's measures, with a vocabulary as small as the speed allows."""

    name: str
    config: PretrainedConfig


@dataclass(frozen=True, slots=True)
class Cost:
    """What a question takes, in seconds; `cpu` adds up all threads'.

    On a machine that others use, only the processors' time compares fairly.
    """

    wall: float
    cpu: float

    def least(self, other: "Cost") -> "Cost":
        """Return the lower of each."""
        return Cost(min(self.wall, other.wall), min(self.cpu, other.cpu))


@dataclass(frozen=True, slots=True)
class Way:
    """One way of scoring; each adds one trick to the one before."""

    name: str
    score: Scorer


def progress(doing: str) -> None:
    """Say what is going on, beside the figures."""
    print(f"  {doing}", file=sys.stderr, flush=True)


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
    """Make up a question and its candidates, of the lengths that child chunks have.

    The lengths are spread evenly, so that one question stands for all of them.
    """
    query = " ".join(dice.choices(_WORDS, k=8))
    lengths = np.linspace(*PASSAGE_WORDS, n).astype(int).tolist()
    dice.shuffle(lengths)
    return [(query, " ".join(dice.choices(_WORDS, k=length))) for length in lengths]


def lengthen(dice: random.Random, pairs: Sequence[Pair]) -> list[Pair]:
    """Return the pairs with parents instead of their child chunks."""
    longer = []
    for query, passage in pairs:
        words = passage.split()
        more = dice.randint(len(words), PARENT_WORDS) - len(words)
        longer.append((query, " ".join([*words, *dice.choices(_WORDS, k=more)])))
    return longer


def predict_with(model: CrossEncoder) -> Scorer:
    """Return `CrossEncoder.predict` as it comes, with batches of 32."""

    def score(pairs: Sequence[Pair]) -> NDArray[np.float32]:
        scores = model.predict([*pairs], show_progress_bar=False)
        return np.asarray(scores, dtype=np.float32)

    return score


def compile_here(source: Path, target: Path) -> Path:
    """Compile a model for this machine's processor."""
    reduce_range = not has_vnni(Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    compile_cross_encoder(source, target, reduce_range=reduce_range)
    return target


def open_ways(source: Path, threads: int) -> list[Way]:
    """Open the ways to compare, from the plain one to ours."""
    progress("compiles it as it is served")
    ours = compile_here(source, source.with_suffix(".ours"))
    return [
        Way(
            "CrossEncoder.predict, fp32",
            predict_with(CrossEncoder(str(source), device="cpu")),
        ),
        Way("+ batches by length", FullCrossEncoder(source, threads=threads).score),
        Way(
            "+ 8 bits, a batch a thread",
            QuantisedCrossEncoder(ours, threads=threads).score,
        ),
    ]


def time_ways(ways: Sequence[Way], pairs: Sequence[Pair], rounds: int) -> list[Cost]:
    """Return what each way takes: the best of alternating rounds."""
    best = [Cost(math.inf, math.inf)] * len(ways)
    for way in ways:
        way.score(pairs[:4])
    for number in range(rounds):
        for place, way in enumerate(ways):
            progress(f"round {number + 1} of {rounds}: {way.name}")
            best[place] = best[place].least(time_way(way, pairs))
    return best


def time_way(way: Way, pairs: Sequence[Pair]) -> Cost:
    """Return what a way takes."""
    began, used = time.perf_counter(), time.process_time()
    way.score(pairs)
    return Cost(time.perf_counter() - began, time.process_time() - used)


def report_speed(shape: Shape, folder: Path, *, rounds: int) -> Way:
    """Print the table of one shape; return our way."""
    threads = len(os.sched_getaffinity(0))
    progress(f"{shape.name}: saves the model")
    source = folder / shape.name
    save(shape, source)
    ways = open_ways(source, threads)
    dice = random.Random(1)  # noqa: S311 - the same pairs every time
    pairs = make_pairs(dice)
    costs = time_ways(ways, pairs, rounds)
    progress("parents instead of child chunks")
    parents = time_way(ways[0], lengthen(dice, pairs))
    print(f"\n{shape.name}'s shape, {threads} threads, {N_CANDIDATES} pairs a question")
    header = f"{'pairs/s':>9}{'gain':>8}{'step':>8}{'share':>7}{'s':>7}"
    header += f"{'cpu s':>7}{'gain':>8}"
    print(f"{'child chunks of a question':<30}{header}")
    plain, ours = costs[0].wall, costs[-1].wall
    before = plain
    for way, cost in zip(ways, costs, strict=True):
        share = math.log(before / cost.wall) / math.log(plain / ours)
        print(
            f"{way.name:<30}{N_CANDIDATES / cost.wall:>9.1f}{plain / cost.wall:>7.2f}x"
            f"{before / cost.wall:>7.2f}x{share:>7.0%}{cost.wall:>7.2f}{cost.cpu:>7.2f}"
            f"{costs[0].cpu / cost.cpu:>7.2f}x"
        )
        before = cost.wall
    print(
        f"{'parents, CrossEncoder.predict':<30}{N_CANDIDATES / parents.wall:>9.1f}"
        f"{plain / parents.wall:>7.2f}x{'':>15}{parents.wall:>7.2f}{parents.cpu:>7.2f}"
        f"{costs[0].cpu / parents.cpu:>7.2f}x"
    )
    print(
        f"{N_CANDIDATES} chunks in {ours:.2f} s (aim: under {SECONDS_AIM:.0f}), "
        f"{plain / ours:.1f}x (aim: {SPEED_AIM:.0f}x); with the parents that "
        f"would be read instead {parents.wall / ours:.1f}x"
    )
    return ways[-1]


def report_callers(way: Way, *, n_callers: int = N_CALLERS) -> None:
    """Print what many callers at once get, each on its own and in one batch."""
    progress(f"{n_callers} callers at once")
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

    progress("trains a small model that truly ranks")
    save_trained_encoder(folder / "overlap")
    compiled = compile_here(folder / "overlap", folder / "overlap-int8")
    plain = CrossEncoder(
        str(folder / "overlap"), device="cpu", activation_fn=Identity()
    )
    ours = QuantisedCrossEncoder(compiled, threads=2)
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
    parser.add_argument("--quick", action="store_true", help="one round, one question")
    names = [shape.name for shape in build_shapes()]
    parser.add_argument("--only", choices=names, help="one shape instead of both")
    given = parser.parse_args()
    quick: bool = given.quick
    # Its progress bars and advice would stand between the figures.
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    disable_progress_bar()
    with tempfile.TemporaryDirectory(prefix="rerank-") as name:
        folder = Path(name)
        for shape in build_shapes():
            if given.only not in (None, shape.name):
                continue
            ours = report_speed(shape, folder, rounds=1 if quick else 3)
            report_callers(ours, n_callers=2 if quick else N_CALLERS)
        report_order(folder, n_questions=50 if quick else 500)


if __name__ == "__main__":
    main()
