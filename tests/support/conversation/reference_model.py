"""The reference model of a conversation: the rules once more, slow and simple.

It has no effects, sends or storage; it knows who leads, which questions are open, what
waits for which timer, and the text of every message. `decide` must agree with it.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from actors.conversation.events import (
    AiSwitched,
    ConversationRedirected,
    CustomerShared,
    CustomerWrote,
    EchoReceived,
    Event,
    MessageEdited,
    MessageUnsent,
    OperatorAnswered,
    ReplyFailed,
    ReplyFellDue,
    ReplyWritten,
    ShareTimedOut,
    StatusSet,
    customer_message_id,
    share_message_id,
)
from actors.conversation.rules.corrections import (
    MAX_HEARD,
    MAX_RECENT_EDITS,
    MAX_UNSENT_MIDS,
)
from actors.conversation.state import (
    MAX_QUESTIONS,
    Conversation,
    Destination,
    Source,
    Status,
)
from persistence.ids import EventId, MessageId

DEBOUNCE = timedelta(seconds=2)
SHARE_TIMEOUT = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Share:
    """A shared post that waits for its question."""

    message_id: MessageId
    content: str
    due_at: datetime


@dataclass(slots=True)
class ReferenceModel:
    """Apply events in the order in which they were recorded."""

    source: Source
    version: int = 0
    status: Status = Status.ACTIVE
    ai_enabled: bool = True
    unanswered: list[MessageId] = field(default_factory=list)
    reply_due: datetime | None = None
    job: EventId | None = None
    share: Share | None = None
    #: Which open question is about which share.
    about: dict[MessageId, Share] = field(default_factory=dict)
    #: What an open question itself refers to.
    referred: dict[MessageId, str] = field(default_factory=dict)
    #: What each message of the customer must say, and what the AI was handed instead.
    texts: dict[MessageId, str] = field(default_factory=dict)
    combined: dict[MessageId, str] = field(default_factory=dict)
    #: The share that each combined text holds, also after the question was answered.
    made_of: dict[MessageId, MessageId] = field(default_factory=dict)
    unsent: list[str] = field(default_factory=list)
    #: What messages say now, some before they came, and which edit that was.
    edits: dict[str, tuple[str, int]] = field(default_factory=dict)
    orders: dict[MessageId, int] = field(default_factory=dict)
    #: The newest messages, by when their words were last new.
    heard: dict[MessageId, str] = field(default_factory=dict)
    #: The version at which the AI was stopped last.
    ai_stopped_at: int = 0

    @property
    def ai_leads(self) -> bool:
        """Whether the AI may answer."""
        return self.status is Status.ACTIVE and self.ai_enabled

    def awaits(self, job: EventId) -> bool:
        """Whether an answer to this job is still wanted."""
        return self.job is not None and self.job == job

    def apply(self, event: Event, *, is_owners: bool = True) -> None:
        """Go on; `is_owners` says of an echo that the owner wrote it, not we."""
        self.version += 1
        match event:
            case CustomerWrote():
                self._note_text(event)
            case CustomerShared():
                self._note_share(event)
            case MessageUnsent():
                self._note_unsent(event)
            case MessageEdited():
                self._note_edit(event)
            case OperatorAnswered():
                self._answer_by_person()
            case EchoReceived() if is_owners:
                self._answer_by_person()
            case ConversationRedirected() | StatusSet():
                self._note_status(event)
            case AiSwitched():
                self._note_switch(event)
            case ReplyFellDue() | ReplyWritten() | ReplyFailed() | ShareTimedOut():
                self._note_own(event)
            case _:
                pass  # How sending goes changes nothing of all this.

    def _note_text(self, event: CustomerWrote) -> None:
        message = MessageId(event.id)
        text, _ = self.edits.get(event.mid, (event.text, 0))
        self.texts[message] = "" if event.mid in self.unsent else text
        self.orders[message] = event.order
        if event.mid in self.unsent:
            return
        self._remember(message, text)
        self._reopen()
        self._ask(message)
        if event.referred:
            self.referred[message] = event.referred
        if self.ai_leads:
            if self.share is not None and self.source is Source.INSTAGRAM:
                self.about[message], self.share = self.share, None
            self._combine(message)
            self._wait_for_rest(event.at)
        self._forget_answered()

    def _note_share(self, event: CustomerShared) -> None:
        message = MessageId(event.id)
        is_unsent = event.mid in self.unsent
        self.texts[message] = "" if is_unsent else event.content
        if is_unsent:
            return
        self._reopen()
        if self.ai_leads and self.source is Source.INSTAGRAM:
            due_at = event.at + SHARE_TIMEOUT
            self.share = Share(message, event.content, due_at)

    def _note_unsent(self, event: MessageUnsent) -> None:
        if event.mid in self.unsent:
            return
        self.unsent = [*self.unsent, event.mid][-MAX_UNSENT_MIDS:]
        self.edits.pop(event.mid, None)
        if event.is_ours:
            return
        text = MessageId(customer_message_id(event.conversation_id, event.mid))
        share = MessageId(share_message_id(event.conversation_id, event.mid))
        for message in {text, share} & self.texts.keys():
            self.texts[message] = ""
            self.heard.pop(message, None)
            self.combined.pop(message, None)
        self._forget_combined(share)
        if self.share is not None and self.share.message_id == share:
            self.share = None
        was_open = (list(self.unanswered), dict(self.about))
        for question, about in list(self.about.items()):
            if about.message_id == share:
                del self.about[question]
                self.combined.pop(question, None)
        if text in self.unanswered:
            self.unanswered.remove(text)
            self._forget_answered()
        is_changed = was_open != (self.unanswered, self.about)
        if self.reply_due is not None and is_changed:
            self._stop_reply()
            if self.unanswered:
                self._wait_for_rest(event.at)

    def _note_edit(self, event: MessageEdited) -> None:
        message = MessageId(customer_message_id(event.conversation_id, event.mid))
        _, newest = self.edits.get(event.mid, ("", 0))
        if event.mid in self.unsent or 0 < event.order < newest:
            return
        self.edits.pop(event.mid, None)
        self.edits[event.mid] = (event.text, event.order)
        for forgotten in list(self.edits)[:-MAX_RECENT_EDITS]:
            del self.edits[forgotten]
        if event.is_ours or message not in self.texts:
            return
        self.texts[message] = event.text
        self._combine(message)
        is_changed = self.heard.get(message, event.text) != event.text
        if is_changed:
            self._remember(message, event.text)
        if message not in self.unanswered:
            if not is_changed:
                return
            self._reopen()
            self._ask(message)
            if self.ai_leads:
                self._wait_for_rest(event.at)
        elif self.reply_due is not None:
            self._wait_for_rest(event.at)

    def _note_status(self, event: ConversationRedirected | StatusSet) -> None:
        match event:
            case (
                ConversationRedirected(destination=Destination.AI)
                | StatusSet(status=Status.ACTIVE)
            ):
                self.status, self.ai_enabled = Status.ACTIVE, True
                if self.unanswered and self.reply_due is None:
                    self._wait_for_rest(event.at)
            case ConversationRedirected():
                self._stop_ai(Status.SUPPORT_ACTIVE)
            case StatusSet(status=Status.CLOSED):
                is_enabled = self.ai_enabled
                self._stop_ai(Status.CLOSED)
                self.ai_enabled = is_enabled
                self._close_questions()
            case StatusSet():
                self._stop_ai(event.status)

    def _note_switch(self, event: AiSwitched) -> None:
        if not event.ai_enabled:
            self._stop_ai(self.status)
        elif self.status is Status.CLOSED:
            self.ai_enabled = True
        else:
            self.status, self.ai_enabled = Status.ACTIVE, True
            if self.unanswered and self.reply_due is None:
                self._wait_for_rest(event.at)

    def _note_own(
        self, event: ReplyFellDue | ReplyWritten | ReplyFailed | ShareTimedOut
    ) -> None:
        match event:
            case ReplyFellDue() if self.reply_due == event.due_at:
                self.job = event.id
            case ReplyFailed() if self.awaits(event.job):
                self._stop_reply()
            case ReplyWritten() if self.awaits(event.job):
                self._stop_reply()
                if event.is_handover:
                    # A person must go on: the questions stay open.
                    self.status, self.ai_enabled = Status.SUPPORT_ACTIVE, False
                    self.share = None
                else:
                    self._close_questions()
            case ShareTimedOut() if self.share and self.share.due_at == event.due_at:
                self.share = None
            case _:
                pass  # Too late: about something that is over.

    def _answer_by_person(self) -> None:
        self._stop_ai(Status.SUPPORT_ACTIVE)
        self._close_questions()

    def _stop_ai(self, status: Status) -> None:
        self._stop_reply()
        self.status, self.ai_enabled, self.share = status, False, None
        self.ai_stopped_at = self.version

    def _reopen(self) -> None:
        if self.status is Status.CLOSED:
            leads = self.ai_enabled
            self.status = Status.ACTIVE if leads else Status.SUPPORT_ACTIVE

    def _remember(self, message: MessageId, text: str) -> None:
        self.heard.pop(message, None)
        self.heard[message] = text
        for forgotten in list(self.heard)[:-MAX_HEARD]:
            del self.heard[forgotten]

    def _ask(self, message: MessageId) -> None:
        self.unanswered.append(message)
        if self.orders[message]:
            self.unanswered.sort(key=lambda one: self.orders[one])
        del self.unanswered[:-MAX_QUESTIONS]

    def _wait_for_rest(self, at: datetime) -> None:
        self.reply_due, self.job = at + DEBOUNCE, None

    def _stop_reply(self) -> None:
        self.reply_due = self.job = None

    def _close_questions(self) -> None:
        self.unanswered.clear()
        self.about.clear()
        self.referred.clear()

    def _forget_answered(self) -> None:
        for about in (self.about, self.referred):
            for question in about.keys() - set(self.unanswered):
                del about[question]

    def _forget_combined(self, share: MessageId) -> None:
        for question, used in self.made_of.items():
            if used == share:
                self.combined.pop(question, None)

    def _combine(self, question: MessageId) -> None:
        share = self.about.get(question)
        parts = [share.content if share else "", self.referred.get(question, "")]
        title = (
            "پست/ریلز اینستاگرام که کاربر فرستاده"
            if share and question not in self.referred
            else "متنی که پیام به آن اشاره دارد"
        )
        if any(parts):
            if share:
                self.made_of[question] = share.message_id
            self.combined[question] = (
                f"[CONTEXT: {title}]\n" + "\n\n".join(filter(None, parts)) + "\n"
                f"[/CONTEXT]\n\n[سوال کاربر]:\n{self.texts[question]}"
            )


def differences(model: ReferenceModel, state: Conversation) -> list[str]:
    """Return what the model and the state do not agree on."""
    reply, share = state.reply, state.pending_share
    pairs: dict[str, tuple[object, object]] = {
        "version": (model.version, state.version),
        "status": (model.status, state.status),
        "AI switch": (model.ai_enabled, state.ai_enabled),
        "open questions": (tuple(model.unanswered), state.questions),
        "answer due": (model.reply_due, reply.due_at if reply else None),
        "job": (model.job, reply.job if reply else None),
        "waiting share": (
            (model.share.message_id, model.share.due_at) if model.share else None,
            (share.message_id, share.due_at) if share else None,
        ),
        "recent edits": (
            [(mid, *said) for mid, said in model.edits.items()],
            [(one.mid, one.text, one.order) for one in state.recent_edits],
        ),
        "shares asked about": (
            {(question, share.content) for question, share in model.about.items()}
            | set(model.referred.items()),
            {(one.question, one.content) for one in state.combined},
        ),
    }
    return [
        f"the {name} should be {wanted}, not {found}"
        for name, (wanted, found) in pairs.items()
        if wanted != found
    ]
