"""The durations and limits of the rules."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """The tunable durations and limits."""

    #: How long the AI waits for the rest of a burst.
    reply_debounce: timedelta = timedelta(seconds=2)
    #: How long a shared post waits for its question.
    share_timeout: timedelta = timedelta(seconds=120)
    #: A send without a result after this long was lost with its process.
    send_lease: timedelta = timedelta(seconds=30)
    #: How long a lost send waits for its echo before it is sent again.
    echo_timeout: timedelta = timedelta(seconds=30)
    #: Eight attempts with doubling pauses span some four minutes.
    max_send_attempts: int = 8
    #: Longest pause between two attempts.
    max_backoff: timedelta = timedelta(minutes=5)
