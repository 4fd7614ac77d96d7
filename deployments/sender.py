"""Hands the parts of our messages to the platforms, and reads what they answer."""

from collections.abc import Mapping
from typing import Protocol

import asyncpg
import httpx
import orjson
import structlog

from actors.conversation.errors import SendOutcomeUnknownError, SendRefusedError
from actors.conversation.ports import OutgoingPart
from actors.conversation.state import Source
from config.metrics import SENDS
from config.settings import Settings
from persistence.channels import decrypt_tokens, fetch_channel
from persistence.database import Pool
from persistence.errors import SecretUnreadableError
from persistence.secrets import Cipher

TIMEOUT = httpx.Timeout(20.0, connect=5.0)
#: Below what the platforms keep idle links open for: one that they close while we
#: write on it leaves us not knowing whether the message arrived.
LIMITS = httpx.Limits(max_connections=50, keepalive_expiry=4.0)
#: The reason by which a refusal of ours is told from one of the platform.
PAUSED = "the channel is paused"
PAUSED_RETRY_S = 60.0
#: Graph's codes for "later", which may come with a 400 or 403: unknown and service
#: errors, and the limits of app, user, page and business. Source: Meta, Graph API
#: error handling and rate limits.
PASSING_CODES = frozenset({1, 2, 4, 17, 32, 341, 613, 80002, 80006})
MAX_REASON_CHARS = 500

log = structlog.get_logger("sender")


class Platform(Protocol):
    """What differs between platforms: how a text is posted, what the answer says."""

    async def post(self, token: str, part: OutgoingPart) -> str:
        """Post and return the platform's id of the message.

        Raises:
            SendRefusedError: the platform said no.
            SendOutcomeUnknownError: it did not answer; the text may have arrived.
        """
        ...


class InstagramGraph:
    """Posts through the Graph API."""

    def __init__(self, client: httpx.AsyncClient, graph_url: str) -> None:
        self._client = client
        self._address = f"{graph_url}/me/messages"

    async def post(self, token: str, part: OutgoingPart) -> str:
        """Post and return the `message_id`."""
        payload: dict[str, object] = {
            "recipient": {"id": part.customer},
            "message": {"text": part.content},
        }
        if part.tag:
            # Late answers are taken from persons only, who say that they are one.
            payload |= {"messaging_type": "MESSAGE_TAG", "tag": part.tag}
        try:
            answer = await self._client.post(
                self._address,
                headers={
                    "Authorization": f"Bearer {token}",
                    "Content-Type": "application/json",
                },
                content=orjson.dumps(payload),
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            message = f"no connection: {type(error).__name__}"
            raise SendRefusedError(message) from error
        except httpx.HTTPError as error:
            message = f"no answer: {type(error).__name__}"
            raise SendOutcomeUnknownError(message) from error
        return _read_graph_answer(answer, token)


class ChannelSender:
    """Finds the channel's token and platform, and sends."""

    def __init__(
        self,
        pool: Pool,
        cipher: Cipher,
        settings: Settings,
        *,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self._pool = pool
        self._cipher = cipher
        # Redirects are not followed: they would carry the token somewhere else.
        self._client = httpx.AsyncClient(timeout=timeout, limits=LIMITS)
        #: Telegram takes its place here when it is built.
        self._platforms: Mapping[Source, Platform] = {
            Source.INSTAGRAM: InstagramGraph(
                self._client, settings.instagram_graph_url
            ),
        }

    async def stop(self) -> None:
        """Close the connections to the platforms."""
        await self._client.aclose()

    async def send(self, part: OutgoingPart) -> str:
        """Send the part and return the platform's id for it.

        Raises:
            SendRefusedError: the platform said no, or there is no way to it; with
                the reason PAUSED nothing may leave through this channel now.
            SendOutcomeUnknownError: it did not answer; the part may have arrived.
        """
        outcome = "unknown"
        try:
            mid = await self._send(part)
            outcome = "sent"
        except SendRefusedError as error:
            outcome = "refused" if error.permanent else "put_off"
            log.warning(
                "send_refused",
                send_id=str(part.send_id),
                channel_id=str(part.channel_id),
                reason=str(error),
                permanent=error.permanent,
            )
            raise
        finally:
            SENDS.labels(part.source.value, outcome).inc()
        return mid

    async def _send(self, part: OutgoingPart) -> str:
        platform = self._platforms.get(part.source)
        if platform is None:
            message = f"nothing can be sent through {part.source} yet"
            raise SendRefusedError(message, permanent=True)
        # Asked for each part: a channel that was just paused sends no more.
        try:
            channel = await fetch_channel(self._pool, part.channel_id)
        except (
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            OSError,
            TimeoutError,
        ) as error:
            message = "the database does not answer"
            raise SendRefusedError(message) from error
        if channel is None or channel.tenant_id != part.tenant_id:
            message = "the channel does not exist any more"
            raise SendRefusedError(message, permanent=True)
        if channel.is_paused:
            raise SendRefusedError(PAUSED, retry_after_s=PAUSED_RETRY_S, is_held=True)
        try:
            token = decrypt_tokens(self._cipher, channel).access_token
        except SecretUnreadableError as error:
            raise SendRefusedError(str(error), permanent=True) from error
        if not token:
            message = "the channel has no access token"
            raise SendRefusedError(message, permanent=True)
        return await platform.post(token, part)


def _read_graph_answer(answer: httpx.Response, token: str) -> str:
    status = answer.status_code
    body = _read_object(answer.content)
    if answer.is_success:
        mid = body.get("message_id")
        if isinstance(mid, str) and mid:
            return mid
        # It was taken, but by what name? The echo tells.
        message = f"HTTP {status} without a message_id"
        raise SendOutcomeUnknownError(message)
    problem = body.get("error")
    fields: Mapping[object, object] = problem if isinstance(problem, dict) else {}
    reason = str(fields.get("message", "")).replace(token, "…")[:MAX_REASON_CHARS]
    reason = f"HTTP {status}: {reason or answer.reason_phrase}"
    if status == 504:
        # A gateway's time-out is one of ours: what is behind it may have sent.
        raise SendOutcomeUnknownError(reason)
    is_passing = (
        status == 429
        or status >= 500
        or fields.get("is_transient") is True
        or fields.get("code") in PASSING_CODES
    )
    raise SendRefusedError(
        reason, permanent=not is_passing, retry_after_s=_read_retry_after(answer)
    )


def _read_object(content: bytes) -> Mapping[object, object]:
    try:
        body: object = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _read_retry_after(answer: httpx.Response) -> float | None:
    """Read the seconds; the other form, a date, is left to our own backoff."""
    value = answer.headers.get("retry-after", "").strip()
    return float(value) if value.isdecimal() and len(value) < 7 else None
