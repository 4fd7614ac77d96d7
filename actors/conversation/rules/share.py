"""The rules of shared posts: a share waits for its question, and gets no own answer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from actors.conversation import effects, events
from actors.conversation.effects import Decision, Effect
from actors.conversation.rules.markers import (
    CONTEXT_BEGIN,
    CONTEXT_END,
    QUESTION,
    disarm_marks,
)
from actors.conversation.rules.placeholders import EMPTY_SHARE
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.reply_window import first_heard_at, heard_at
from actors.conversation.state import (
    Author,
    CombinedShare,
    Conversation,
    MessageType,
    PendingShare,
    Processing,
    Source,
    Status,
    TimerKind,
)

_COMBINATION = f"{CONTEXT_BEGIN}\n{{share}}\n{CONTEXT_END}\n\n{QUESTION}\n{{text}}"
_POST = "پست/ریلز اینستاگرام که کاربر فرستاده"
#: Of an ad, a replied-to message, a post of another platform, or of several kinds.
_REFERENCE = "متنی که پیام به آن اشاره دارد"
_HIT = effects.Count(effects.Counter.PENDING_SHARE_LOOKUPS, "hit")
_MISS = effects.Count(effects.Counter.PENDING_SHARE_LOOKUPS, "miss")


@dataclass(frozen=True, slots=True)
class Absorbed:
    """The share that a text absorbs, if one was pending."""

    effects: tuple[Effect, ...] = ()
    share: CombinedShare | None = None


def combine(share: str, text: str, *, is_post: bool = True) -> str:
    """Return the question as the AI gets it; `text` is never cut.

    Marks that stand in either of them are disarmed: each stands once, where we put it.
    """
    label = _POST if is_post else _REFERENCE
    return _COMBINATION.format(
        label=label, share=disarm_marks(share), text=disarm_marks(text)
    )


def combine_all(shares: Sequence[CombinedShare], text: str) -> str | None:
    """Return the question with its post and with what it refers to; None without."""
    if not shares:
        return None
    content = "\n\n".join(share.content for share in shares)
    return combine(content, text, is_post=are_posts(shares))


def are_posts(shares: Sequence[CombinedShare]) -> bool:
    """Whether all of them are shared posts: what questions are about may be others."""
    return all(share.is_post for share in shares)


def refer(event: events.CustomerWrote) -> tuple[CombinedShare, ...]:
    """Return what the message refers to as its share; nothing if it names nothing."""
    if not event.referred.strip():
        return ()
    message = events.message_id_of(event)
    return (CombinedShare(message, message, event.referred, is_post=False),)


def on_customer_shared(
    state: Conversation, event: events.CustomerShared, policy: Policy
) -> Decision:
    """Store the share, and let it wait for a question if the AI would answer that.

    A later share replaces an earlier one, and restarts the timer. The shares of one
    message wait together: its question is about all of them.
    """
    message = build_share(state, event)
    counted = effects.Count(effects.Counter.SHARE_MESSAGES)
    if event.mid in state.unsent_mids:
        blank = replace(message, content="", media=(), is_unsent=True)
        last = state.last_message_id or blank.id
        return Decision(replace(state, last_message_id=last), (blank, counted))
    status = state.reopened_status
    is_led_by_ai = status is Status.ACTIVE and state.ai_enabled
    heard = heard_at(state, event.at, event.written_at)
    state = replace(
        state,
        awaits_first_text=state.last_customer_at is None or state.awaits_first_text,
        status=status,
        first_customer_at=first_heard_at(state, heard),
        last_customer_at=heard,
        last_message_id=message.id,
        needs_operator=state.needs_operator or not is_led_by_ai,
    )
    if not is_led_by_ai or state.source is not Source.INSTAGRAM:
        # While a person owns the conversation a share waits for nothing.
        return Decision(state, (message, counted))
    pending = PendingShare(
        message_id=message.id,
        content=message.content,
        media_id=next((media.media_id for media in event.media), ""),
        due_at=event.at + policy.share_timeout,
        is_post=event.is_post,
    )
    pending = _with_earlier_part(state, event, pending)
    return Decision(
        replace(state, pending_share=pending),
        (
            message,
            counted,
            effects.SetTimer(TimerKind.SHARE, pending.due_at),
            effects.WriteLog(
                effects.LogName.CONVERSATION,
                "⏳ Instagram share detected - waiting for follow-up question",
            ),
        ),
    )


def build_share(
    state: Conversation, event: events.CustomerShared
) -> effects.RecordMessage:
    """Build the message that is stored of a share."""
    return effects.RecordMessage(
        id=events.message_id_of(event),
        author=Author.CUSTOMER,
        content=event.content or EMPTY_SHARE,
        created_at=event.at,
        processing=Processing.COMPLETED,
        message_type=MessageType.SHARE,
        mid=event.mid,
        media=event.media,
        position=state.next_position,
    )


def _with_earlier_part(
    state: Conversation, event: events.CustomerShared, share: PendingShare
) -> PendingShare:
    """Return the share with its text below that of the message's earlier shares."""
    earlier = state.pending_share
    if earlier is None or event.part == 0:
        return share
    previous = events.share_message_id(state.id, event.mid, event.part - 1)
    if earlier.message_id != previous:
        return share
    return replace(
        share,
        content=f"{earlier.content}\n{share.content}",
        is_post=earlier.is_post and share.is_post,
    )


def absorb(state: Conversation, event: events.CustomerWrote) -> Absorbed:
    """Combine a text that the AI will answer with the pending share.

    A picture or a voice is no question: the share goes on waiting for a text.
    """
    is_question = event.message_type is MessageType.TEXT and event.text.strip()
    if state.source is not Source.INSTAGRAM or not is_question:
        return Absorbed()
    pending = state.pending_share
    if pending is None:
        return Absorbed((_MISS,))
    return Absorbed(
        (
            _HIT,
            effects.ClearTimer(TimerKind.SHARE),
            effects.Count(effects.Counter.SHARE_COMBINED),
            effects.WriteLog(
                effects.LogName.CONVERSATION,
                "✅ Combined share + question for AI processing",
            ),
        ),
        CombinedShare(
            events.message_id_of(event),
            pending.message_id,
            pending.content,
            pending.is_post,
        ),
    )


def on_share_timed_out(state: Conversation, event: events.ShareTimedOut) -> Decision:
    """Drop a share without a question; the AI says nothing about it."""
    pending = state.pending_share
    if pending is None or pending.due_at != event.due_at:
        return Decision(state)  # This timer's share is not pending any more.
    line = (
        f"⏰ Timeout for share {pending.message_id} - no question received, "
        "cleared cache (no AI response)"
    )
    return Decision(
        replace(state, pending_share=None, awaits_first_text=False),
        (
            effects.ClearTimer(TimerKind.SHARE),
            effects.Count(effects.Counter.SHARE_TIMEOUTS),
            effects.WriteLog(effects.LogName.CONVERSATION, line),
        ),
    )


def drop_pending(
    state: Conversation,
) -> tuple[Conversation, tuple[Effect, ...]]:
    """Drop the pending share: a person leads now, or it was unsent."""
    if state.pending_share is None:
        return state, ()
    return replace(state, pending_share=None), (effects.ClearTimer(TimerKind.SHARE),)


def share_of_questions(state: Conversation) -> str:
    """Return what the open questions are about as text, each once, or an empty one."""
    return "\n\n".join(dict.fromkeys(share.content for share in state.combined))
