"""How good a ranking is, in numbers that can be checked by hand."""

from retrieval.evaluation.labelled import (
    LabelledPassage,
    LabelledQuestion,
    LabelledSetError,
    parse_passages,
    parse_questions,
)
from retrieval.evaluation.metrics import hit_at_k, mean, ndcg_at_k, reciprocal_rank
from retrieval.evaluation.report import (
    Pipeline,
    QuestionResult,
    Ranking,
    Report,
    run_questions,
)

__all__ = [
    "LabelledPassage",
    "LabelledQuestion",
    "LabelledSetError",
    "Pipeline",
    "QuestionResult",
    "Ranking",
    "Report",
    "hit_at_k",
    "mean",
    "ndcg_at_k",
    "parse_passages",
    "parse_questions",
    "reciprocal_rank",
    "run_questions",
]
