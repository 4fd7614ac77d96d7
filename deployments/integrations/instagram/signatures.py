"""Signatures of Instagram's webhooks, and which unsigned ones may be believed."""

import hashlib
import hmac
from collections.abc import Iterable

from starlette.types import Scope

from config.signatures import is_loopback

PREFIX = "sha256="
FORWARDED_FOR = b"x-forwarded-for"
#: Headers by which proxies and tunnels show themselves, beside `x-forwarded-*`.
PROXY_HEADERS = frozenset(
    {
        b"forwarded",
        b"via",
        b"x-real-ip",
        b"x-client-ip",
        b"x-original-host",
        b"x-original-forwarded-for",
        b"x-envoy-external-address",
        b"true-client-ip",
        b"cf-connecting-ip",
        b"cf-ray",
        b"cdn-loop",
    }
)
#: Headers that browsers add: a web page of anybody can make one write to loopback.
BROWSER_HEADERS = frozenset({b"origin", b"referer", b"sec-fetch-site"})


def is_signed(secret: bytes, body: bytes, signature: str) -> bool:
    """Whether `X-Hub-Signature-256` fits the raw body, compared in constant time."""
    if not signature.startswith(PREFIX):
        return False
    given = signature[len(PREFIX) :].encode("utf-8", "replace")
    expected = hmac.digest(secret, body, hashlib.sha256).hex().encode()
    return hmac.compare_digest(given, expected)


def is_signed_by_any(secrets: Iterable[bytes], body: bytes, signature: str) -> bool:
    """Whether one of the secrets signed; all are tried, so the delay tells nothing."""
    fits = [is_signed(secret, body, signature) for secret in secrets]
    return any(fits)


def is_direct(scope: Scope) -> bool:
    """Whether a program on this machine asks, and no proxy or browser for others.

    HAProxy of this runtime adds one `X-Forwarded-For` itself; any other hop before it
    is a proxy. A proxy that adds no header at all can't be told from a program: that is
    why a public address in the settings forbids unsigned webhooks as well.
    """
    client = scope.get("client")
    hops: list[str] = [client[0]] if client else [""]
    for name, value in scope["headers"]:
        if name == FORWARDED_FOR:
            hops += value.decode("latin-1").split(",")
        elif (
            name in PROXY_HEADERS
            or name in BROWSER_HEADERS
            or name.startswith(b"x-forwarded-")
        ):
            return False
    return len(hops) <= 2 and all(is_loopback(hop.strip()) for hop in hops)
