"""Signatures of Instagram's webhooks, and which unsigned ones may be believed."""

import hashlib
import hmac
from collections.abc import Iterable

from starlette.requests import HTTPConnection

from deployments.http.addresses import is_this_machine
from deployments.http.secrets import is_same_secret

PREFIX = "sha256="
#: Headers that browsers add: a web page of anybody can make one write to loopback.
BROWSER_HEADERS = frozenset({"origin", "referer", "sec-fetch-site"})


def is_signed(secret: bytes, body: bytes, signature: str) -> bool:
    """Whether `X-Hub-Signature-256` fits the raw body, compared in constant time."""
    if not signature.startswith(PREFIX):
        return False
    expected = hmac.digest(secret, body, hashlib.sha256).hex()
    return is_same_secret(expected, signature.removeprefix(PREFIX))


def is_signed_by_any(secrets: Iterable[bytes], body: bytes, signature: str) -> bool:
    """Whether one of the secrets signed; all are tried, so the delay tells nothing."""
    fits = [is_signed(secret, body, signature) for secret in secrets]
    return any(fits)


def may_be_unsigned(connection: HTTPConnection) -> bool:
    """Whether a program on this machine asks, and no proxy or browser for others.

    A proxy that adds no header at all can't be told from a program: that is why a
    public address in the settings forbids unsigned webhooks as well.
    """
    is_from_browser = not BROWSER_HEADERS.isdisjoint(connection.headers)
    return not is_from_browser and is_this_machine(connection)
