"""Errors of an analysis that reach its callers."""

from datetime import timedelta


class AnalysisError(Exception):
    """The analysis could not be carried out. See logs/monitor.log."""

    permanent = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class AnalysisBusyError(AnalysisError):
    """An analysis of this business is running already. Try again in a minute."""


class AnalysisQueueFullError(AnalysisError):
    """Many other analyses are waiting. Try again in some minutes."""

    retry_after = timedelta(minutes=2)


class AnalysisFailedError(AnalysisError):
    """The analysis failed. Try again, or analyze a shorter period."""
