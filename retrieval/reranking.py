"""What a reranker promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RerankResult:
    """How well each passage answers the query, in the order of the passages given.

    Higher is better; scores of two models or two queries can't be compared.
    """

    scores: tuple[float, ...]
    #: The model that judged, by the name or folder that the settings give it.
    model: str


class Reranker(Protocol):
    """Reads a query and a passage together and judges how well they fit."""

    async def rerank(
        self, query: str, passages: Sequence[str], *, model: str
    ) -> RerankResult:
        """Score passages; `model` is a value of the flag `rerank_model`.

        Raises RerankerUnavailableError: then the fused order serves.
        """
