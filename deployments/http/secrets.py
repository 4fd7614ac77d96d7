"""Comparison of secrets that clients send."""

import hmac


def is_same_secret(expected: str, given: str) -> bool:
    """Compare in constant time; nothing is the same as an empty secret."""
    # Headers and bodies may hold halves of characters, which have no bytes.
    return bool(expected) and hmac.compare_digest(
        expected.encode(), given.encode("utf-8", "replace")
    )
