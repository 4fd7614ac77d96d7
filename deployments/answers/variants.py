"""Reads from the flags how to search: a conversation's variant, and the options."""

from enum import StrEnum

from config.flags import FlagName, FlagValue
from deployments.flags import FeatureFlags
from persistence.database import Db
from persistence.errors import DATABASE_AWAY
from persistence.ids import ConversationId, TenantId
from persistence.variants import keep_variant
from retrieval.index.hits import DENSE_WEIGHT, FusionOrder
from retrieval.production_rag import RagOptions


class Variant(StrEnum):
    """The variants of retrieval; the values are those of `retrieval_method`."""

    CONTEXT_RETRIEVER = "context_retriever"
    PRODUCTION_RAG = "production_rag"


def choose_variant(
    switch: FlagValue | None, kept: Variant | None, *, is_rolled_out: bool
) -> Variant:
    """Choose by the switch if it is set, else the kept variant, else the percentage.

    A moved percentage changes no conversation that has begun; the kill switch does.
    """
    if switch is None and kept is not None:
        return kept
    is_on = is_rolled_out if switch is None else bool(switch)
    return Variant.PRODUCTION_RAG if is_on else Variant.CONTEXT_RETRIEVER


async def decide_variant(
    db: Db,
    flags: FeatureFlags,
    tenant_id: TenantId,
    conversation_id: ConversationId | None = None,
) -> Variant:
    """Decide the variant of a question, and keep it for its conversation.

    Only a variant that came from the percentage is kept: a switch that was on for an
    hour must not stay on for ever in every conversation of that hour.
    """
    switch = flags.get_explicit(FlagName.PRODUCTION_RAG)
    is_rolled_out = flags.is_enabled(FlagName.PRODUCTION_RAG, tenant_id)
    chosen = choose_variant(switch, None, is_rolled_out=is_rolled_out)
    if switch is not None or conversation_id is None:
        return chosen
    try:
        kept = await keep_variant(db, tenant_id, conversation_id, chosen)
    except DATABASE_AWAY:
        # The search goes on from memory; the percentage hardly moves meanwhile.
        return chosen
    return choose_variant(
        None, None if kept is None else Variant(kept), is_rolled_out=is_rolled_out
    )


def read_options(flags: FeatureFlags, dense_weight: float = DENSE_WEIGHT) -> RagOptions:
    """Read the options of one retrieval from the flags. Raises FlagsUnreadError."""
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
