"""What of a retrieval can be turned while it runs."""

from dataclasses import dataclass

from retrieval.index.hits import DENSE_WEIGHT, FusionOrder


@dataclass(frozen=True, slots=True)
class RagOptions:
    """The options of one retrieval; the defaults are the documented ones."""

    dense_top_k: int = 20
    sparse_top_k: int = 15
    rerank_top_k: int = 8
    cross_encoder_reranking: bool = True
    rerank_model: str = "base"
    debug: bool = False
    #: Of the sum that orders both arms' candidates; the words' weight is the rest.
    dense_weight: float = DENSE_WEIGHT
    #: The share of the knowledge's mean vector that is taken from the question's.
    centring: float = 0.15
    fusion: FusionOrder = FusionOrder.WEIGHTED
