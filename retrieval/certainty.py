"""When the first place is settled, so that a cross-encoder is not worth its time."""

from collections.abc import Sequence

from retrieval.hits import Hit

# The fused score lies between 0 and 1 over a question's candidates.
_MARGIN = 0.35


def is_settled(hits: Sequence[Hit]) -> bool:
    """Tell whether both arms put the same candidate first, and clearly so.

    A lone candidate is settled. With one arm silent nothing is: its agreement is what
    makes the other sure.
    """
    if len(hits) < 2:
        return True
    first, second = hits[0], hits[1]
    return (
        first.dense_rank == 1
        and first.sparse_rank == 1
        and first.score - second.score >= _MARGIN
    )
