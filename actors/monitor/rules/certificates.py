"""When a certificate that runs out is worth a notice: once for each term."""

from datetime import datetime, timedelta

#: Days before the end, each told once.
TERMS = (14, 7, 3, 1)


def days_left(expires_at: datetime, at: datetime) -> int:
    """Return the whole days that are left; negative once it has run out."""
    return (expires_at - at) // timedelta(days=1)


def term_of(expires_at: datetime, at: datetime) -> int | None:
    """Return the shortest term that has begun; None while there is time."""
    left = days_left(expires_at, at)
    begun = [term for term in TERMS if left < term]
    return min(begun, default=None)
