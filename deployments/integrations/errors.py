"""Errors of the channels: their webhooks, tokens and platforms."""


class ChannelError(Exception):
    """The channel could not take this request."""

    permanent = True

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class WrongSignatureError(ChannelError):
    """The signature is missing or does not fit the body."""


class WrongVerifyTokenError(ChannelError):
    """The verify token is wrong."""


class BrokenBodyError(ChannelError):
    """The body is not the expected JSON."""


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


class TokenRefusedError(ChannelError):
    """The platform does not know this token. Copy it again from the platform."""


class PlatformRefusedError(ChannelError):
    """The platform refused to be connected."""


class PlatformUnreachableError(ChannelError):
    """The platform can't be reached from here. Try again in a few minutes."""

    permanent = False


class DirectoryUnavailableError(ChannelError):
    """The channels can't be read at the moment. Try again in a few seconds."""

    permanent = False
