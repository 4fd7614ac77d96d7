"""What a redirect writes into the workflow's log, to the letter, and what it counts."""

from actors.conversation.effects import Count, Counter, Effect, LogName, WriteLog
from actors.conversation.state import Conversation, Destination, Status


def announce_redirect(
    state: Conversation, old: Status, destination: Destination
) -> tuple[Effect, ...]:
    """Tell of a redirect that led from status `old` to `state`."""
    if destination is Destination.AI:
        intent = (
            f"[Redirect to AI] Conversation {state.id}: "
            "will enable AI, set status to 'active'"
        )
    else:
        intent = (
            f"[Redirect to {destination}] Conversation {state.id}: "
            "will disable AI, set status to 'support_active'"
        )
    ai = "enabled" if state.ai_enabled else "disabled"
    return (
        WriteLog(LogName.WORKFLOW, intent),
        WriteLog(
            LogName.WORKFLOW,
            f"✓ Conversation {state.id} status updated: {old} -> {state.status}",
        ),
        WriteLog(
            LogName.WORKFLOW,
            f"✅ [Redirect Complete] Conversation {state.id} redirected to "
            f"'{destination}': status {old}->{state.status}, AI={ai}",
        ),
        Count(Counter.REDIRECTS, destination.value),
    )
