"""How the rest of the runtime sees the answering side."""

from typing import Protocol

from persistence.ids import ConversationId, TenantId
from retrieval.answer.retrieved import RetrievedContext
from retrieval.index.hits import EVERYTHING, RetrievalFilter


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
        """Retrieve what an answer to the query would be written from.

        `share` is the caption of a post that the query may be about; nothing but what
        `only` leaves is searched.
        """
        ...
