"""Proofs of answers: prompts, questions, what was understood, and what was refused."""

from collections.abc import Collection
from dataclasses import dataclass

from persistence.database import Connection, Db
from persistence.ids import ConversationId, MessageId, TenantId
from persistence.queries import build_row, load_queries

_SQL = load_queries("proofs")


@dataclass(frozen=True, slots=True)
class AnswerProof:
    """The proof of an answer; `proof` is empty once it was erased."""

    message_id: MessageId
    proof: dict[str, object]
    is_erased: bool


async def fetch_proof(
    db: Db, tenant_id: TenantId, message_id: MessageId
) -> AnswerProof | None:
    """Fetch an answer's proof; None if it has none, or is not this tenant's."""
    row = await db.fetchrow(_SQL["fetch_proof"], tenant_id, message_id)
    return None if row is None else build_row(AnswerProof, row)


async def erase_proofs(
    db: Connection, conversations: Collection[ConversationId]
) -> None:
    """Empty all proofs of these conversations, inside the caller's transaction."""
    await db.execute(_SQL["erase_proofs"], list(conversations))
