"""`pilito replay`: rebuilds a conversation from its events, and compares the states."""

from collections.abc import Callable, Mapping
from enum import IntEnum

from actors.conversation.errors import ReplayError
from actors.conversation.replay import find_differences, rebuild
from actors.conversation.rules.policy import Policy
from actors.workflow.definition import Graph, VersionRef
from deployments.workflows.books import build_book, find_versions
from persistence.database import Db, connect_read_only
from persistence.history import StoredHistory, fetch_history
from persistence.ids import ConversationId
from persistence.workflows import fetch_versions


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
        book = {} if history is None else await _fetch_book(connection, history)
    finally:
        await connection.close()
    if history is None:
        say(f"There is no conversation {conversation_id}.")
        return Verdict.IMPOSSIBLE
    if history.pruned_version:
        say(
            f"Conversation {conversation_id}: events 1 to {history.pruned_version} were"
            " removed by PILITO_MESSAGE_RETENTION_DAYS, so nothing can be compared."
        )
        return Verdict.IMPOSSIBLE
    try:
        rebuilt = rebuild(history.events, policy, book)
    except ReplayError as error:
        say(f"Conversation {conversation_id} can't be replayed: {error}.")
        return Verdict.DIFFERENT
    events = len(history.events)
    differences = find_differences(history.state, rebuilt)
    if not differences:
        say(
            f"Conversation {conversation_id}: {events} events make the stored"
            f" state, version {rebuilt.version}."
        )
        return Verdict.SAME
    say(
        f"Conversation {conversation_id}: {events} events do not make the stored state:"
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


async def _fetch_book(db: Db, history: StoredHistory) -> Mapping[VersionRef, Graph]:
    """Fetch the versions of workflows that the history's runs went through."""
    wanted = find_versions(history.events)
    return build_book(
        await fetch_versions(
            db, {(version.workflow_id, version.version) for version in wanted}
        )
    )
