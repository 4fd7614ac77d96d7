"""Errors of the channels: their webhooks, tokens and platforms."""

from datetime import timedelta


class ChannelError(Exception):
    """The channel could not process this request. Check its values."""

    permanent = True

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class WrongSignatureError(ChannelError):
    """The signature is missing or does not match the body. Check the secret."""


class WrongVerifyTokenError(ChannelError):
    """The verify token differs from PILITO_INSTAGRAM_VERIFY_TOKEN."""


class BrokenBodyError(ChannelError):
    """The body is not the expected JSON."""


class InvalidFieldError(ChannelError):
    """A field has an invalid value."""

    def __init__(self, message: str = "", field: str = "") -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.problem = message

    def __reduce__(self) -> tuple[type["InvalidFieldError"], tuple[str, str]]:
        """Survive pickle with the field's name."""
        return type(self), (self.problem, self.field)


class ClientIdTakenError(ChannelError):
    """client_id: it names another message. Send this one with a new client_id."""


class UnknownChannelError(ChannelError):
    """This channel does not exist."""


class UnprovenVisitorError(ChannelError):
    """token: it is not this visitor's. Ask for a new visitor, or check visitor_hash."""


class ChannelPausedError(ChannelError):
    """This chat is paused and takes no messages. Try again later."""

    permanent = False
    retry_after = timedelta(minutes=1)


class TokenRefusedError(ChannelError):
    """The platform does not know this token. Copy it again from the platform."""


class PlatformRefusedError(ChannelError):
    """The platform refused the connection. Check the permissions of the token."""


class PlatformUnreachableError(ChannelError):
    """The platform can't be reached from here. Try again in a few minutes."""

    permanent = False


class DirectoryUnavailableError(ChannelError):
    """The channels can't be read at the moment. Try again in a few seconds."""

    permanent = False
