"""Replays a stored conversation, as `pilito replay` does."""

from actors.conversation.replay import find_differences, rebuild
from actors.conversation.rules.policy import Policy
from persistence.database import Pool
from persistence.history import fetch_history
from persistence.ids import ConversationId
from tests.support.api import PATIENT


async def replay_stored(
    pool: Pool, conversation_id: ConversationId, policy: Policy = PATIENT
) -> tuple[str, ...]:
    """Return what differs between the stored state and the one of its events."""
    history = await fetch_history(pool, conversation_id)
    assert history is not None
    return find_differences(history.state, rebuild(history.events, policy))
