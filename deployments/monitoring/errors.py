"""Errors of the analysis of checks."""


class AnalysisError(Exception):
    """The analysis could not be made."""

    permanent = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class AnalysisBusyError(AnalysisError):
    """An analysis is under way already. Try again in a minute."""


class AnalysisFailedError(AnalysisError):
    """The analysis did not come to an end. Try a shorter period."""
