"""How long an answer without a model takes beside its search, stage by stage.

Run with `python -m benchmarks.answering [--cpu] [chunks ...]`. The questions are those
of one shop of the written dialogues; its documents are filled up to each size with the
chunks of `benchmarks.retrieval`. Vectors are random, so that the stages are those of an
index of this size, whatever they answer. Aim: less than 10 ms beside the search, p95.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.retrieval import (
    TIMER,
    RandomEmbedder,
    make_chunks,
)
from deployments.commands.evaluate_dialogues import load_shops
from retrieval.answer.choosing import choose
from retrieval.answer.composing import compose
from retrieval.answer.facts import read_facts
from retrieval.answer.matching import NOTHING, Similarities, score_facts
from retrieval.answer.superseding import drop_superseded
from retrieval.dialogue.acts import read_burst
from retrieval.evaluation.playing import LabelledShop, ShopKnowledge
from retrieval.index.knowledge import SearchRequest, SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.query.asking import read_question
from retrieval.query.forms import build_forms, to_search_text
from retrieval.query.spelling import correct_text
from retrieval.text.language import Language

DIALOGUES = Path(__file__).parents[1] / "tests" / "data" / "dialogues"
SHOP = "kafe_gandomak"
SIZES = (150, 1_000, 10_000)
CANDIDATES = 60
STAGES = ("understanding", "question", "search", "superseding", "facts", "composing")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chunks", type=int, nargs="*", default=SIZES)
    parser.add_argument("--cpu", action="store_true", help="processor time")
    options = parser.parse_args()
    (shop,) = load_shops(DIALOGUES, SHOP)
    for size in options.chunks:
        measure(shop, size)


def measure(shop: LabelledShop, size: int) -> None:
    """Fill one tenant's index and answer the shop's questions from it."""
    embedder = RandomEmbedder()
    knowledge = ShopKnowledge(shop, embedder)
    for _ in knowledge.embed():
        pass
    index = knowledge.index
    started = TIMER()
    index.apply(make_chunks(max(size - len(index), 0)))
    index.prepare()
    applied_s = TIMER() - started
    started = TIMER()
    _ = index.lexicon
    words_s = TIMER() - started
    questions = [turn.say for one in shop.dialogues for turn in one.turns]
    # Once before: the words of customers and the facts of chunks are remembered.
    for question in questions:
        answer(question, index, embedder)
    rows = np.array([answer(question, index, embedder) for question in questions])
    print(
        f"{len(index):,} chunks: applied in {applied_s:.1f} s, words {words_s:.1f} s, "
        f"{len(questions)} questions"
    )
    for name, times in zip(STAGES, rows.T, strict=True):
        print(f"  {name:<18} {_spread(times)}")
    beside = rows.sum(axis=1) - rows[:, STAGES.index("search")]
    print(f"  {'all but search':<18} {_spread(beside)}")


def answer(
    text: str, index: KnowledgeIndex, embedder: RandomEmbedder
) -> tuple[float, ...]:
    """Answer a question as `Answerer` does; give each stage's time in milliseconds."""
    vector = embedder.embed_queries([text])[0]
    ticks = [TIMER()]
    spoken = read_burst((text,), Language.FA)
    ticks.append(TIMER())
    question = spoken.questions[0] if spoken.questions else text
    asked = read_question(correct_text(question, index.vocabulary), index.lexicon)
    ticks.append(TIMER())
    forms = build_forms(to_search_text(asked.text))
    found = index.find(
        SearchRequest(
            text=forms.spoken,
            vector=vector,
            sources=tuple(SourceType),
            term_weights=forms.sparse_weights,
            dense_top_k=CANDIDATES,
            sparse_top_k=CANDIDATES,
            fused_top_k=CANDIDATES,
        )
    )
    ticks.append(TIMER())
    chunks = drop_superseded([hit.chunk for hit in found.hits])
    ticks.append(TIMER())
    facts = [fact for chunk in chunks for fact in read_facts(chunk)]
    cosines = {hit.chunk.chunk_id: hit.dense_score or 0.0 for hit in found.hits}
    matches = score_facts(asked, NOTHING, facts, Similarities(cosines, cosines))
    ticks.append(TIMER())
    choice = choose(asked, NOTHING, matches)
    if choice.facts:
        compose(asked, NOTHING, choice.facts)
    ticks.append(TIMER())
    return tuple(1000 * (np.diff(ticks)))


def _spread(times: Sequence[float]) -> str:
    p50, p95 = np.quantile(times, (0.5, 0.95), method="inverted_cdf").tolist()
    return f"p50 {p50:6.2f} ms   p95 {p95:6.2f} ms"


if __name__ == "__main__":
    main()
