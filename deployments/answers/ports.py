"""The protocol by which the runtime searches a tenant's knowledge."""

from collections.abc import Sequence
from typing import Protocol

from deployments.answers.answer_draft import AnswerDraft
from persistence.ids import ConversationId, TenantId
from retrieval.answer.context import RetrievedContext
from retrieval.dialogue.turns import Burst, Turn
from retrieval.index.knowledge import EVERYTHING, RetrievalFilter
from retrieval.text.language import Language


class Retriever(Protocol):
    """Searches a tenant's knowledge."""

    async def retrieve(
        self,
        tenant_id: TenantId,
        query: str,
        *,
        share: str = "",
        conversation_id: ConversationId | None = None,
        only: RetrievalFilter = EVERYTHING,
    ) -> RetrievedContext:
        """Retrieve the context for an answer to the query.

        `share` is the caption of a post that the query may be about; `only` limits the
        search to some sources, tags or documents.
        """
        ...

    async def answer(
        self,
        tenant_id: TenantId,
        burst: Burst,
        turns: Sequence[Turn],
        language: Language,
        *,
        only: RetrievalFilter = EVERYTHING,
    ) -> AnswerDraft:
        """Understand a burst, search for what it asks, and compose an answer.

        `turns` are the exchanges before it, oldest first; `language` is the shop's.
        """
        ...
