"""How good a ranking is, in numbers that can be checked by hand."""

from retrieval.evaluation.labelled import (
    LabelledPassage,
    LabelledQuestion,
    LabelledSetError,
    parse_passages,
    parse_questions,
)
from retrieval.evaluation.metrics import (
    hit_at_k,
    mean,
    ndcg_at_k,
    percentile,
    reciprocal_rank,
)
from retrieval.evaluation.report import (
    QuestionResult,
    Ranking,
    Report,
    run_questions,
)
from retrieval.evaluation.significance import Comparison, compare_paired

__all__ = [
    "Comparison",
    "LabelledPassage",
    "LabelledQuestion",
    "LabelledSetError",
    "QuestionResult",
    "Ranking",
    "Report",
    "compare_paired",
    "hit_at_k",
    "mean",
    "ndcg_at_k",
    "parse_passages",
    "parse_questions",
    "percentile",
    "reciprocal_rank",
    "run_questions",
]
