"""Errors of the answering side."""


class AnswersError(Exception):
    """The answer could not be prepared. Try again, or see the log."""

    permanent = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class RetrieverUnavailableError(AnswersError):
    """The search is restarting. Try again in a few seconds."""


class ModelFailedError(AnswersError):
    """The model did not write an answer. Check its address, key and quota."""


class ModelMissingError(AnswersError):
    """The model is not on this machine."""

    permanent = True
