"""`pilito replay`: rebuilds a conversation from its events, and compares the states."""

from collections.abc import Callable
from enum import IntEnum

from actors.conversation.errors import ReplayError
from actors.conversation.replay import Step, find_differences, rebuild
from actors.conversation.rules.policy import Policy
from persistence.database import connect_read_only
from persistence.history import fetch_history
from persistence.ids import ConversationId


class Verdict(IntEnum):
    """How a replay ends; the program's exit status."""

    SAME = 0
    DIFFERENT = 1
    #: There is nothing to compare.
    IMPOSSIBLE = 2


async def replay(
    dsn: str,
    conversation_id: ConversationId,
    policy: Policy,
    say: Callable[[str], None],
) -> Verdict:
    """Replay a conversation, and say line by line what came out."""
    connection = await connect_read_only(dsn)
    try:
        history = await fetch_history(connection, conversation_id)
    finally:
        await connection.close()
    if history is None:
        say(f"There is no conversation {conversation_id}.")
        return Verdict.IMPOSSIBLE
    steps = [Step(event.version, event.kind, event.payload) for event in history.events]
    try:
        rebuilt = rebuild(steps, policy)
    except ReplayError as error:
        say(f"Conversation {conversation_id} can't be replayed: {error}.")
        return Verdict.DIFFERENT
    differences = find_differences(history.state, rebuilt)
    if not differences:
        say(
            f"Conversation {conversation_id}: {len(steps)} events make the stored"
            f" state, version {rebuilt.version}."
        )
        return Verdict.SAME
    say(
        f"Conversation {conversation_id}: {len(steps)} events do not make the stored"
        " state:"
    )
    for difference in differences:
        say(f"  {difference}")
    say(
        "Decided with a debounce of"
        f" {policy.reply_debounce.total_seconds():g} s and a share time-out of"
        f" {policy.share_timeout.total_seconds():g} s. If these were others then, set"
        " PILITO_REPLY_DEBOUNCE_S and PILITO_SHARE_TIMEOUT_S to them."
    )
    return Verdict.DIFFERENT
