"""Telegram's Bot API: sending texts, verifying tokens, subscribing webhooks.

Every address contains the bot's token, so no error and no log line here names one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NoReturn

import httpx

from actors.conversation.errors import SendOutcomeUnknownError, SendRefusedError
from actors.conversation.ports import OutgoingPart
from deployments.integrations import errors, lenient_json
from deployments.integrations.platform_client import clean_reason, post_once
from deployments.integrations.telegram import routes
from deployments.integrations.telegram.reading import ALLOWED_UPDATES, name_message

#: Telegram has one update of a chat under way and waits for its end before it delivers
#: the chat's next, whatever this is; so many customers at once keep a shop's queue
#: short without taking the webhooks for themselves. Source: tdlib/telegram-bot-api,
#: WebhookActor.
MAX_CONNECTIONS = 10
#: Telegram's answers to a token that is wrong or malformed.
TOKEN_CODES = frozenset({401, 404})
UNKNOWN_TOKEN = (
    "bot_token: Telegram does not know this token. Copy it again from @BotFather."  # noqa: S105 - a message
)
#: Rate limits; Telegram's own flood error comes through as 420 at times.
FLOOD_CODES = frozenset({420, 429})
#: For a rate limit that does not say how long it lasts.
FLOOD_RETRY_S = 5.0
#: A proxy passed the request on, and got no good answer.
GATEWAY_STATUSES = frozenset({500, 502, 504})
#: Telegram asks for hours at most from bots that flooded it, never for over a day.
LONGEST_PAUSE_S = 86_400


@dataclass(frozen=True, slots=True)
class BotAnswer:
    """An answer. `is_telegrams` is false when something between us answered."""

    status: int
    is_telegrams: bool
    is_ok: bool
    result: object
    reason: str
    retry_after_s: float | None
    #: The new id of a group that became a supergroup.
    moved_to: str | None


class TelegramBots:
    """Calls the Bot API with any bot's token."""

    needs_address: ClassVar[bool] = True

    def __init__(self, client: httpx.AsyncClient, api_url: str) -> None:
        self._client = client
        self._api_url = api_url

    async def post(self, token: str, part: OutgoingPart) -> str:
        """Send a text and return its platform id.

        Plain text, without a parse mode: nothing in it has to be escaped. An answer to
        a topic that is gone is sent to the chat.
        """
        customer, route = part.customer, routes.read_route(part.route)
        payload: dict[str, object] = {
            "chat_id": int(customer) if customer.isdecimal() else customer,
            "text": part.content,
            "link_preview_options": {"is_disabled": True},
            **route,
        }
        answer = await self._call(token, "sendMessage", payload)
        if answer.is_telegrams and answer.status == 400 and routes.TOPIC in payload:
            del payload[routes.TOPIC]
            answer = await self._call(token, "sendMessage", payload)
        if not answer.is_ok:
            _refuse_send(answer)
        mid = answer.result.get("message_id") if isinstance(answer.result, dict) else 0
        if not isinstance(mid, int) or not mid:
            message = f"HTTP {answer.status} without a message_id"
            raise SendOutcomeUnknownError(message)
        scope = routes.scope_of(str(route.get(routes.BUSINESS, "")))
        return name_message(token.partition(":")[0], f"{scope}{mid}")

    async def identify(self, token: str) -> str | None:
        """Return the bot of a token; see Platform.identify."""
        bot = await self._manage(token, "getMe", {})
        bot_id = bot.get("id") if isinstance(bot, dict) else None
        return str(bot_id) if isinstance(bot_id, int) else None

    async def connect(self, token: str, address: str, secret: str) -> None:
        """Subscribe the webhook at `address` to the bot's updates."""
        await self._manage(
            token,
            "setWebhook",
            {
                "url": address,
                "secret_token": secret,
                "allowed_updates": ALLOWED_UPDATES,
                "max_connections": MAX_CONNECTIONS,
            },
        )

    async def disconnect(self, token: str) -> None:
        """Cancel the bot's webhook."""
        await self._manage(token, "deleteWebhook", {})

    async def _manage(
        self, token: str, method: str, payload: Mapping[str, object]
    ) -> object:
        """Call a method that manages the bot, and return its result."""
        try:
            answer = await self._call(token, method, payload)
        except (SendRefusedError, SendOutcomeUnknownError) as error:
            # Either way the call may be made again without harm.
            raise errors.PlatformUnreachableError(str(error)) from error
        if answer.is_ok:
            return answer.result
        if not answer.is_telegrams:
            message = f"what answers there is not Telegram ({answer.reason})"
            raise errors.PlatformUnreachableError(message)
        if answer.status in TOKEN_CODES:
            raise errors.TokenRefusedError(UNKNOWN_TOKEN)
        if answer.status in FLOOD_CODES or answer.status >= 500:
            raise errors.PlatformUnreachableError(answer.reason)
        raise errors.PlatformRefusedError(answer.reason)

    async def _call(
        self, token: str, method: str, payload: Mapping[str, object]
    ) -> BotAnswer:
        address = f"{self._api_url}/bot{token}/{method}"
        return _read_answer(await post_once(self._client, address, payload), token)


def _read_answer(answer: httpx.Response, token: str) -> BotAnswer:
    body = lenient_json.parse_object(answer.content)
    ok, code = body.get("ok"), body.get("error_code")
    status = code if isinstance(code, int) else answer.status_code
    reason = clean_reason(body.get("description", ""), token) or answer.reason_phrase
    given = body.get("parameters")
    parameters: Mapping[object, object] = given if isinstance(given, dict) else {}
    return BotAnswer(
        status=status,
        is_telegrams=isinstance(ok, bool),
        is_ok=ok is True,
        result=body.get("result"),
        reason=f"HTTP {status}: {reason}",
        retry_after_s=_read_pause(parameters.get("retry_after")),
        moved_to=_read_chat(parameters.get("migrate_to_chat_id")),
    )


def _read_pause(value: object) -> float | None:
    """Read the seconds to wait, LONGEST_PAUSE_S at most."""
    if not isinstance(value, int | float):
        return None
    return float(min(max(value, 0), LONGEST_PAUSE_S))


def _read_chat(value: object) -> str | None:
    return str(value) if isinstance(value, int) and value else None


def _refuse_send(answer: BotAnswer) -> NoReturn:
    """Raise the error that an answer means.

    A refusal by Telegram itself is certain: nothing was sent. A gateway's error, or a
    page in place of Telegram's answer, leaves it open.
    """
    if not answer.is_telegrams:
        if answer.status < 400 or answer.status in GATEWAY_STATUSES:
            raise SendOutcomeUnknownError(answer.reason)
        raise SendRefusedError(answer.reason)
    is_limited = answer.status in FLOOD_CODES
    retry_after_s = answer.retry_after_s
    if is_limited and retry_after_s is None:
        retry_after_s = FLOOD_RETRY_S
    raise SendRefusedError(
        answer.reason,
        permanent=not is_limited and answer.status < 500,
        retry_after_s=retry_after_s,
        is_limited=is_limited,
        moved_to=answer.moved_to,
    )
