"""What can go wrong at the channels' edge."""

from datetime import timedelta


class ChannelError(Exception):
    """The channel could not take this request."""

    permanent = True

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class WrongSignatureError(ChannelError):
    """The signature is missing or does not fit the body."""


class WrongVerifyTokenError(ChannelError):
    """The verify token is not the one that was set."""


class BrokenBodyError(ChannelError):
    """The body is not the JSON that was expected."""


class BodyTooLargeError(ChannelError):
    """The body is larger than this address takes."""


class InvalidFieldError(ChannelError):
    """A field has a value that can't be used."""

    def __init__(self, message: str = "", field: str = "") -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.problem = message

    def __reduce__(self) -> tuple[type["InvalidFieldError"], tuple[str, str]]:
        """Survive pickle with the field's name."""
        return type(self), (self.problem, self.field)


class UnknownChannelError(ChannelError):
    """There is no such channel."""


class TooManyMessagesError(ChannelError):
    """Too many messages in a short time. Wait a moment and try again."""

    permanent = False

    def __init__(
        self, message: str = "", retry_after: timedelta = timedelta(seconds=1)
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def __reduce__(
        self,
    ) -> tuple[type["TooManyMessagesError"], tuple[str, timedelta]]:
        """Survive pickle with the time to wait."""
        return type(self), (str(self), self.retry_after)


class TokenRefusedError(ChannelError):
    """The platform does not know this token. Copy it again from where you got it."""


class PlatformRefusedError(ChannelError):
    """The platform refused to be connected."""


class PlatformUnreachableError(ChannelError):
    """The platform can't be reached from here. Try again in a few minutes."""

    permanent = False


class DirectoryUnavailableError(ChannelError):
    """The channels can't be read right now. Try again in a few seconds."""

    permanent = False
