"""The retrieval's options, as the flags have them at this moment."""

from config.flags import FlagName
from deployments.flags import FeatureFlags
from retrieval.index.hits import DENSE_WEIGHT, FusionOrder
from retrieval.production_rag import RagOptions


def read_options(flags: FeatureFlags, dense_weight: float = DENSE_WEIGHT) -> RagOptions:
    """Read the options; ask for each retrieval anew. Raises FlagsUnreadError."""
    return RagOptions(
        dense_top_k=int(flags.get_value(FlagName.DENSE_TOP_K)),
        sparse_top_k=int(flags.get_value(FlagName.SPARSE_TOP_K)),
        rerank_top_k=int(flags.get_value(FlagName.RERANK_TOP_K)),
        cross_encoder_reranking=flags.is_enabled(FlagName.CROSS_ENCODER_RERANKING),
        rerank_model=str(flags.get_value(FlagName.RERANK_MODEL)),
        debug=flags.is_enabled(FlagName.PRODUCTION_RAG_DEBUG),
        dense_weight=dense_weight,
        fusion=FusionOrder(str(flags.get_value(FlagName.FUSION))),
    )
