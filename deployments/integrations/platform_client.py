"""HTTP calls to the platforms' APIs, with the meaning of their failures."""

from collections.abc import Mapping

import httpx
import orjson

from actors.conversation.errors import SendOutcomeUnknownError, SendRefusedError

#: Shorter than the platforms keep idle connections open: if one is closed while we
#: write on it, we can't know whether the message arrived.
LIMITS = httpx.Limits(max_connections=50, keepalive_expiry=4.0)
MAX_REASON_CHARS = 500
#: Errors before a connection: nothing was sent.
NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


async def post_once(
    client: httpx.AsyncClient,
    address: str,
    payload: Mapping[str, object],
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Post JSON once, and tell a failed connection from a missing answer.

    The errors never name the address: it may contain a token.

    Raises:
        SendRefusedError: there is no connection, so nothing was sent.
        SendOutcomeUnknownError: there was one, and no answer.
    """
    try:
        return await client.post(
            address,
            headers={"Content-Type": "application/json", **(headers or {})},
            content=orjson.dumps(payload),
        )
    except NOT_REACHED as error:
        message = f"no connection: {type(error).__name__}"
        raise SendRefusedError(message) from error
    except httpx.HTTPError as error:
        message = f"no answer: {type(error).__name__}"
        raise SendOutcomeUnknownError(message) from error


def clean_reason(text: object, token: str) -> str:
    """Shorten a platform's message to a line that can be shown, without the token."""
    return str(text).replace(token, "…")[:MAX_REASON_CHARS]
