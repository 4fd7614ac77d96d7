"""What all platforms have in common: the interface, and how answers are read."""

from collections.abc import Mapping
from typing import ClassVar, Protocol

import httpx
import orjson

from actors.conversation.errors import SendOutcomeUnknownError, SendRefusedError
from actors.conversation.ports import OutgoingPart, ProfileUnavailable
from actors.conversation.state import Profile

#: Below what the platforms keep idle links open for: one that they close while we
#: write on it leaves us not knowing whether the message arrived.
LIMITS = httpx.Limits(max_connections=50, keepalive_expiry=4.0)
MAX_REASON_CHARS = 500
#: Nobody was reached, so nothing was sent.
NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Platform(Protocol):
    """What differs between platforms: how a text is posted, what the answer says."""

    async def post(self, token: str, part: OutgoingPart) -> str:
        """Post and return the platform's id of the message.

        Raises:
            SendRefusedError: the platform said no.
            SendOutcomeUnknownError: it did not answer; the text may have arrived.
        """
        ...


class Introducer(Protocol):
    """A platform that tells who a customer is only when it is asked."""

    async def introduce(
        self, token: str, customer: str
    ) -> Profile | ProfileUnavailable:
        """Ask once; `is_held` when all customers of the channel should be left alone.

        Never raises for what the platform answers, or does not.
        """
        ...


class Connector(Protocol):
    """A platform that is told over its API to deliver what happens."""

    #: Whether it is told our address with each channel; a platform that has it from
    #: elsewhere can be connected without PILITO_PUBLIC_URL.
    needs_address: ClassVar[bool]

    async def identify(self, token: str) -> str | None:
        """Ask the platform whose the token is: the account's id, None if unsaid.

        Raises:
            TokenRefusedError: it does not know the token; the message names the field.
            PlatformRefusedError: it said no for another reason.
            PlatformUnreachableError: it could not be asked, or asks us to wait.
        """
        ...

    async def connect(self, token: str, address: str, secret: str) -> None:
        """Have what happens delivered to `address`; for the errors see `identify`."""
        ...

    async def disconnect(self, token: str) -> None:
        """Have nothing delivered any more; for the errors see `identify`."""
        ...


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


def read_object(content: bytes) -> Mapping[object, object]:
    """Read a JSON object; empty when it is none."""
    try:
        body: object = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def clean_reason(text: object, token: str) -> str:
    """Cut what a platform said to a line that can be shown, without the token."""
    return str(text).replace(token, "…")[:MAX_REASON_CHARS]
