"""Errors of the answering side."""


class AnswersError(Exception):
    """The answering side could not do what was asked."""

    permanent = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class RetrieverUnavailableError(AnswersError):
    """The search is restarting. Try again in a few seconds."""


class ModelFailedError(AnswersError):
    """The model did not write an answer."""


class ModelMissingError(AnswersError):
    """The model is not on this machine."""

    permanent = True
