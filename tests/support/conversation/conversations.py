"""A conversation for rule tests, event by event; times are seconds after noon."""

from dataclasses import replace
from datetime import timedelta

from actors.conversation import events
from actors.conversation.effects import Decision
from actors.conversation.state import Destination, Profile, Status
from persistence.ids import EventId, MessageId, SendId, UserId
from tests.support.conversation.customer_story import CHANNEL as CHANNEL
from tests.support.conversation.customer_story import NOON as NOON
from tests.support.conversation.customer_story import OPERATOR as OPERATOR
from tests.support.conversation.customer_story import POLICY as POLICY
from tests.support.conversation.customer_story import TENANT as TENANT
from tests.support.conversation.customer_story import CustomerStory
from tests.support.conversation.customer_story import at as at


class Story(CustomerStory):
    """One conversation, event by event; invariants are checked after each."""

    def operator_answers(
        self,
        text: str,
        seconds: float,
        *,
        seen: int | None = None,
        user_id: UserId = OPERATOR,
    ) -> Decision:
        """An operator writes `text`, having seen the messages up to `seen`."""
        event = self.answer_event(text, seconds, user_id=user_id)
        return self.apply(replace(event, seen_position=seen))

    def answer_event(
        self, text: str, seconds: float, *, user_id: UserId = OPERATOR
    ) -> events.OperatorAnswered:
        """Return the event of an operator's answer."""
        return events.OperatorAnswered(**self.head(seconds), user_id=user_id, text=text)

    def redirect(self, destination: Destination, seconds: float) -> Decision:
        """The conversation is handed to `destination`."""
        return self.apply(
            events.ConversationRedirected(**self.head(seconds), destination=destination)
        )

    def set_status(self, status: Status, seconds: float) -> Decision:
        """An operator sets the status."""
        return self.apply(events.StatusSet(**self.head(seconds), status=status))

    def switch_ai(self, seconds: float, *, on: bool) -> Decision:
        """An operator turns the AI on or off."""
        return self.apply(
            events.AiSwitched(**self.head(seconds), user_id=OPERATOR, ai_enabled=on)
        )

    def share_timer_fires(self, seconds: float, due: float) -> Decision:
        """The share timer that was set for `due` fires."""
        return self.apply(events.ShareTimedOut(**self.head(seconds), due_at=at(due)))

    def reply_timer_fires(self, seconds: float) -> Decision:
        """The reply timer that is armed fires."""
        assert self.now.reply is not None
        return self.apply(
            events.ReplyFellDue(**self.head(seconds), due_at=self.now.reply.due_at)
        )

    def ai_writes(
        self,
        text: str,
        seconds: float,
        *,
        job: EventId,
        is_handover: bool = False,
        needs_operator: bool = False,
    ) -> Decision:
        """The answer to `job` comes back."""
        return self.apply(
            events.ReplyWritten(
                **self.head(seconds),
                job=job,
                text=text,
                is_handover=is_handover,
                needs_operator=needs_operator,
            )
        )

    def send_timer_fires(self, seconds: float) -> Decision:
        """The send timer that is armed fires."""
        return self.apply(
            events.SendFellDue(**self.head(seconds), due_at=self.now.sends[0].due_at)
        )

    def send_timer_is_stale(self, seconds: float, due: float) -> bool:
        """Whether a send timer that was set for `due` does nothing any more."""
        fired = events.SendFellDue(
            **self.head(seconds),
            due_at=at(due),
        )
        return self.apply(fired).effects == ()

    def running_job(self) -> EventId:
        """Return the job that is being written."""
        assert self.now.reply is not None
        assert self.now.reply.job is not None
        return self.now.reply.job

    def part_is_delivered(
        self, mid: str, seconds: float, *, send_id: SendId | None = None
    ) -> Decision:
        """The platform takes the part under way, or another, and names it."""
        return self.apply(
            events.PartDelivered(
                **self.head(seconds), send_id=send_id or self.now.sends[0].id, mid=mid
            )
        )

    def part_is_refused(
        self,
        seconds: float,
        *,
        reason: str = "told to fail",
        permanent: bool = False,
        retry_after: timedelta | None = None,
        is_held: bool = False,
        is_limited: bool = False,
    ) -> Decision:
        """The platform says no to the part under way."""
        return self.apply(
            events.PartRefused(
                **self.head(seconds),
                send_id=self.now.sends[0].id,
                reason=reason,
                permanent=permanent,
                retry_after=retry_after,
                is_held=is_held,
                is_limited=is_limited,
            )
        )

    def part_is_lost(self, seconds: float) -> Decision:
        """The platform does not answer for the part under way."""
        return self.apply(
            events.PartOutcomeLost(
                **self.head(seconds), send_id=self.now.sends[0].id, reason="time-out"
            )
        )

    def name_is_learned(self, profile: Profile, seconds: float) -> Decision:
        """The platform tells who the customer is."""
        return self.apply(events.ProfileLearned(**self.head(seconds), profile=profile))

    def name_is_missed(self, seconds: float) -> Decision:
        """The platform does not tell who the customer is."""
        return self.apply(
            events.ProfileMissed(**self.head(seconds), reason="no consent")
        )

    def channel_resumes(self, seconds: float) -> Decision:
        """The pause of its channel ends."""
        return self.apply(events.ChannelResumed(**self.head(seconds)))

    def operator_retries(self, message: MessageId, seconds: float) -> Decision:
        """An operator has a failed message sent again."""
        return self.apply(
            events.SendRetried(
                **self.head(seconds), user_id=OPERATOR, message_id=message
            )
        )

    def ask_and_start(self, text: str, seconds: float, mid: str = "") -> EventId:
        """The customer asks, and two seconds later the answer is begun."""
        self.customer_writes(text, seconds, mid)
        self.reply_timer_fires(seconds + 2)
        return self.running_job()
