"""The errors of the conversation engine."""

from uuid import UUID

from actors.errors import ActorError


class ShardUnavailableError(ActorError):
    """The shard of this conversation is restarting. Try again in a few seconds."""


class UnknownConversationError(ActorError):
    """This conversation does not exist."""

    permanent = True


class InvalidEventError(ActorError):
    """This can't be applied to the conversation. Check the values of the request."""

    permanent = True

    def __init__(self, message: str = "", event_id: UUID | None = None) -> None:
        super().__init__(message)
        self.event_id = event_id

    def __reduce__(self) -> tuple[type["InvalidEventError"], tuple[str, UUID | None]]:
        """Survive pickle with its data: it crosses actor boundaries."""
        return type(self), (str(self), self.event_id)


class WindowClosedError(ActorError):
    """The platform takes no answer so late. Wait until the customer writes again."""

    permanent = True


class TooMuchToSendError(ActorError):
    """Too much is waiting to be sent. Wait until the customer has received some."""

    permanent = True


class NewerMessagesError(ActorError):
    """The conversation has gone on. Read the newer messages, or send it anyway."""

    permanent = True


class SendRefusedError(ActorError):
    """The platform refused the message."""

    # `is_held` says that we did not even ask, since the channel is paused, `is_limited`
    # that the platform takes nothing more from it for now. Waiting for either is no
    # failed attempt of this message. `moved_to` is the chat's new id, if it has one.

    def __init__(
        self,
        message: str = "",
        *,
        permanent: bool = False,
        retry_after_s: float | None = None,
        is_held: bool = False,
        is_limited: bool = False,
        moved_to: str | None = None,
    ) -> None:
        super().__init__(message)
        self.moved_to = moved_to
        self.permanent = permanent
        self.retry_after_s = retry_after_s
        self.is_held = is_held
        self.is_limited = is_limited


class SendOutcomeUnknownError(ActorError):
    """The platform did not answer, so the message may have arrived."""


class AnswerFailedError(ActorError):
    """No answer could be written. The log names the reason."""


class ReplayError(ActorError):
    """The events of this conversation can't be replayed."""

    permanent = True
