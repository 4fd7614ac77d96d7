"""The protocol by which the runtime searches a tenant's knowledge."""

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
        """Retrieve the context for an answer to the query.

        `share` is the caption of a post that the query may be about; `only` limits the
        search to some sources, tags or documents.
        """
        ...
