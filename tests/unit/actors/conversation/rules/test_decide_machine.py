"""`decide` against a slow model, over whatever sequence Hypothesis can think of.

Timers fire late and twice, answers come to old jobs, results of calls come after their
lease: the machine keeps all that ever was under way, and lets any of it come back.
"""

import contextlib
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
)

from actors.conversation.effects import (
    RecordMessage,
)
from actors.conversation.errors import InvalidEventError
from actors.conversation.events import (
    AiSwitched,
    ChannelResumed,
    ConversationAssigned,
    ConversationRedirected,
    ConversationSnoozed,
    CustomerShared,
    CustomerWrote,
    EchoReceived,
    MessageEdited,
    MessageUnsent,
    OperatorAnswered,
    PartDelivered,
    PartOutcomeLost,
    PartRefused,
    ProfileLearned,
    ProfileMissed,
    ReplyFailed,
    ReplyWritten,
    SendRetried,
    StatusSet,
    customer_message_id,
    echo_message_id,
    share_message_id,
)
from actors.conversation.state import (
    Author,
    Destination,
    Profile,
    Source,
    Status,
    TimerKind,
)
from persistence.ids import MessageId, UserId
from tests.support.conversation.conversations import OPERATOR
from tests.support.conversation.machine import ConversationBench, Fate

# A failing example takes long to be made small, and small it must be to be read.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SOME = st.integers(0, 7)


class ConversationMachine(ConversationBench):
    """One conversation, and everything that can happen to it."""

    @initialize(
        source=st.sampled_from((Source.INSTAGRAM, *Source)),
        is_unsent_first=st.booleans(),
    )
    def open(self, source: Source, is_unsent_first: bool) -> None:
        """Let the customer write for the first time, or take back what is to come."""
        self.begin(source)
        if is_unsent_first:
            self.apply(MessageUnsent(**self.inbound(self.new_id(), "to-come")))
        self.write(0.0, is_again=False)

    # What happens outside.

    @rule(
        pause=st.sampled_from((0.0, 1.0, 2.0, 30.0, 120.0)),
        is_again=st.booleans(),
        referred=st.sampled_from(("", "مانتو لینن آوین")),
    )
    def write(self, pause: float, is_again: bool, referred: str = "") -> None:
        """Let the customer write; Telegram's messages may overtake each other."""
        self.pass_time(pause)
        mid = self.new_mid()
        order = 0
        if self.source is Source.TELEGRAM:
            order = self.count * 10 - (15 if is_again else 0)
        event_id = customer_message_id(self.id, mid)
        inbound = self.inbound(event_id, mid)
        text = f"text {self.count}"
        self.apply(CustomerWrote(**inbound, text=text, order=order, referred=referred))

    @precondition(lambda self: self.source is not Source.TELEGRAM)
    @rule(has_words=st.booleans())
    def share(self, has_words: bool) -> None:
        """Let the customer share a post, with words in the same message or without."""
        self.now += timedelta(seconds=5)
        mid = self.new_mid()
        inbound = self.inbound(share_message_id(self.id, mid), mid)
        self.apply(CustomerShared(**inbound, content=f"share {self.count}"))
        if has_words:
            inbound = self.inbound(customer_message_id(self.id, mid), mid)
            self.apply(CustomerWrote(**inbound, text=f"text {self.count}"))

    @rule(which=SOME)
    def unsend(self, which: int) -> None:
        """Let a message be taken back, at times before it has arrived."""
        mid = (*self.mids, "to-come")[-1 - which % (len(self.mids) + 1)]
        inbound = self.inbound(self.new_id(), mid)
        self.apply(MessageUnsent(**inbound))

    @rule(which=SOME, order=st.integers(0, 3))
    def edit(self, which: int, order: int) -> None:
        """Let a message be worded anew: before it has arrived, or before an edit."""
        mid = (*self.mids, "to-come")[-1 - which % (len(self.mids) + 1)]
        inbound = self.inbound(self.new_id(), mid)
        text = f"edited {order}"
        self.apply(MessageEdited(**inbound, text=text, order=order))

    @rule(which=SOME, is_edit=st.booleans())
    def correct_in_the_app(self, which: int, is_edit: bool) -> None:
        """Let the owner take back or reword what was said in the shop's name."""
        mids = ("never-heard-of", *self.current.recent_mids, f"owner-{self.count}")
        inbound = self.inbound(self.new_id(), mids[-1 - which % len(mids)])
        if is_edit:
            self.apply(MessageEdited(**inbound, text="reworded", is_ours=True))
        else:
            self.apply(MessageUnsent(**inbound, is_ours=True))

    @rule()
    def answer_by_person(self) -> None:
        """Let an operator answer."""
        head = self.head()
        self.apply(OperatorAnswered(**head, user_id=OPERATOR, text=self.words()))

    @rule(hours=st.integers(-1, 2), is_ended=st.booleans())
    def put_aside(self, hours: int, is_ended: bool) -> None:
        """Let an operator put the conversation aside, or take it up again."""
        head = self.head()
        until = None if is_ended else head["at"] + timedelta(hours=hours)
        with contextlib.suppress(InvalidEventError):
            self.apply(ConversationSnoozed(**head, user_id=OPERATOR, until=until))

    @precondition(lambda self: TimerKind.SNOOZE in self.armed)
    @rule()
    def let_the_snooze_end(self) -> None:
        """Let the time come for which it was put aside."""
        self.let_time_come(TimerKind.SNOOZE)

    @rule(assignee_id=st.sampled_from((OPERATOR, None)))
    def assign(self, assignee_id: UserId | None) -> None:
        """Let an operator give the conversation to somebody."""
        head = self.head()
        event = ConversationAssigned(**head, user_id=OPERATOR, assignee_id=assignee_id)
        self.apply(event)

    @rule()
    def answer_in_the_app(self) -> None:
        """Let the owner answer where we see only the echo."""
        mid = f"owner-{self.count}"
        inbound = self.inbound(echo_message_id(self.id, mid), mid)
        self.apply(EchoReceived(**inbound, text=self.words()))

    @rule(destination=st.sampled_from((Destination.AI, *Destination)))
    def redirect(self, destination: Destination) -> None:
        """Let an operator hand the conversation on."""
        self.apply(ConversationRedirected(**self.head(), destination=destination))

    @rule(status=st.sampled_from(Status))
    def set_status(self, status: Status) -> None:
        """Let an operator set the status."""
        self.apply(StatusSet(**self.head(), status=status))

    @rule(ai_enabled=st.booleans())
    def switch_ai(self, ai_enabled: bool) -> None:
        """Let an operator turn the AI on or off."""
        head = self.head()
        self.apply(AiSwitched(**head, user_id=OPERATOR, ai_enabled=ai_enabled))

    @precondition(lambda self: bool(self.state))
    @rule()
    def end_pause(self) -> None:
        """Let the channel's pause end."""
        self.apply(ChannelResumed(**self.head()))

    @precondition(lambda self: bool(self.state and self.state.dead))
    @rule()
    def send_again(self) -> None:
        """Let an operator have a dead letter sent again."""
        message_id = self.current.dead[-1].message_id
        for send in self.current.dead:
            if send.message_id == message_id:
                self.fates[send.id] = Fate()
        self.answers.pop(message_id, None)
        self.apply(SendRetried(**self.head(), user_id=OPERATOR, message_id=message_id))

    # What we asked for comes back.

    @precondition(lambda self: bool(self.armed))
    @rule(kind=SOME)
    def let_timer_run_out(self, kind: int) -> None:
        """Fire an armed timer, at its time or later."""
        self.let_time_come(sorted(self.armed)[kind % len(self.armed)])

    @precondition(lambda self: bool(self.dues))
    @rule(which=SOME, kind=st.sampled_from(TimerKind))
    def fire_again(self, which: int, kind: TimerKind) -> None:
        """Let a timer come that was set anew, or had fired before a crash."""
        dues = [due_at for one, due_at in self.dues if one is kind]
        if not dues:
            return
        due_at = dues[-1 - which % len(dues)]
        self.now = max(self.now, due_at)
        self.fire(kind, due_at)

    @precondition(lambda self: bool(self.jobs))
    @rule(
        which=SOME,
        is_handover=st.sampled_from((False, False, True)),
        is_silent=st.booleans(),
    )
    def let_answer_come(
        self, which: int, is_handover: bool, is_silent: bool = False
    ) -> None:
        """Let an answer come, to the newest job or to an old one."""
        job = self.jobs[-1 - which % len(self.jobs)]
        is_wanted = self.model.awaits(job)
        asked, ai_leads = list(self.model.unanswered), self.model.ai_leads
        head = self.head()
        text = "" if is_silent and is_handover else self.words()
        effects = self.apply(
            ReplyWritten(**head, job=job, text=text, is_handover=is_handover)
        )
        written = [effect for effect in effects if isinstance(effect, RecordMessage)]
        is_sent = is_wanted and bool(text)
        assert [message.author for message in written] == [Author.AI] * is_sent
        if is_wanted:
            assert asked, "a burst is answered once"
            assert ai_leads, "the AI answers only while it leads"
        if is_sent:
            self.answers[MessageId(head["id"])] = self.model.version

    @precondition(lambda self: TimerKind.REPLY in self.armed)
    @rule(is_handover=st.sampled_from((False, False, True)))
    def let_burst_be_answered(self, is_handover: bool) -> None:
        """Let the burst end and its answer come, with nothing in between."""
        self.let_time_come(TimerKind.REPLY)
        self.let_answer_come(0, is_handover)

    @precondition(lambda self: bool(self.jobs))
    @rule(which=SOME)
    def let_answer_fail(self, which: int) -> None:
        """Let no answer come."""
        job = self.jobs[-1 - which % len(self.jobs)]
        self.apply(ReplyFailed(**self.head(), job=job, reason="away"))

    @rule(is_told=st.booleans())
    def let_name_come(self, is_told: bool) -> None:
        """Let the platform say who the customer is, or not, whoever asked when."""
        if is_told:
            profile = Profile("Sara", "", f"sara_{self.count}")
            self.apply(ProfileLearned(**self.head(), profile=profile))
        else:
            self.apply(ProfileMissed(**self.head(), reason="no consent"))

    @precondition(lambda self: bool(self.calls))
    @rule(which=SOME, echo=st.sampled_from(("before", "after", "none")))
    def let_part_arrive(self, which: int, echo: str) -> None:
        """Let the platform take a part, with its echo first, last or never."""
        send = self.calls.pop(-1 - which % len(self.calls))
        mid = f"ours-{self.count}"
        if echo == "before" and self.source is Source.INSTAGRAM:
            self.hear_echo(mid, send)
        self.fates[send.id].is_known_sent = True
        self.apply(PartDelivered(**self.head(), send_id=send.id, mid=mid))
        if echo == "after" and self.source is Source.INSTAGRAM:
            self.hear_echo(mid, send)

    @precondition(lambda self: bool(self.calls))
    @rule(which=SOME, permanent=st.booleans(), is_held=st.booleans())
    def let_part_be_refused(self, which: int, permanent: bool, is_held: bool) -> None:
        """Let the platform say no: the part has not arrived."""
        send = self.calls.pop(-1 - which % len(self.calls))
        self.fates[send.id].may_have_arrived = False
        self.apply(
            PartRefused(
                **self.head(),
                send_id=send.id,
                reason="no",
                permanent=permanent,
                is_held=is_held,
            )
        )

    @precondition(lambda self: bool(self.calls))
    @rule(which=SOME, is_waited_out=st.booleans())
    def let_outcome_be_lost(self, which: int, is_waited_out: bool) -> None:
        """Let a call time out, and perhaps no echo come while we wait for it."""
        send = self.calls.pop(-1 - which % len(self.calls))
        self.lost.append(send)
        self.apply(PartOutcomeLost(**self.head(), send_id=send.id, reason="time-out"))
        if is_waited_out and TimerKind.SEND in self.armed:
            self.let_time_come(TimerKind.SEND)

    @precondition(lambda self: bool(self.lost) and self.source is Source.INSTAGRAM)
    @rule(which=SOME)
    def let_late_echo_come(self, which: int) -> None:
        """Let the echo tell, at whatever time, that a lost call was none."""
        send = self.lost.pop(-1 - which % len(self.lost))
        self.hear_echo(f"late-{self.count}", send)


TestConversation = ConversationMachine.TestCase
TestConversation.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None
)
