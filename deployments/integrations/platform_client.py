"""Calls to the platforms' APIs, and what their failures mean."""

from collections.abc import Mapping

import httpx
import orjson

from actors.conversation.errors import SendOutcomeUnknownError, SendRefusedError

#: Below what the platforms keep idle links open for: one that they close while we
#: write on it leaves us not knowing whether the message arrived.
LIMITS = httpx.Limits(max_connections=50, keepalive_expiry=4.0)
MAX_REASON_CHARS = 500
#: Nobody was reached, so nothing was sent.
NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


async def post_once(
    client: httpx.AsyncClient,
    address: str,
    payload: Mapping[str, object],
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Post JSON once; tell a no apart from a silence.

    The errors name what went wrong, never the address: it may hold a token.

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
    """Cut what a platform said to a line that can be shown, without the token."""
    return str(text).replace(token, "…")[:MAX_REASON_CHARS]
