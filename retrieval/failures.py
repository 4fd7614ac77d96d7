"""How a part of the search that fails is told of, while the rest goes on."""

import logging

# The standard library's: it goes where the process sends its log, and to stderr, never
# stdout, where nobody has set one up.
_LOG = logging.getLogger("retrieval")


def name_failure(part: str, error: Exception) -> str:
    """Log why a part failed, with its stack; return the error's name for `degraded`."""
    _LOG.warning("%s failed: %r", part, error, exc_info=error)
    return type(error).__name__
