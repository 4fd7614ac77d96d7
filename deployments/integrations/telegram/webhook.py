"""Telegram's webhook: verifies the channel's secret, then has the update stored."""

from functools import lru_cache

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from actors.clock import Clock
from actors.conversation.client import Shards
from actors.conversation.state import Source
from config.metrics import UNKNOWN_ACCOUNTS
from deployments.http.addresses import ClientAddresses
from deployments.http.requests import find_header, read_body
from deployments.http.secrets import is_same_secret
from deployments.integrations import lenient_json, submission
from deployments.integrations.channel_lookup import ChannelLookup
from deployments.integrations.errors import WrongSignatureError
from deployments.integrations.telegram import reading
from persistence import channels, errors, secrets
from persistence.ids import ChannelId

SECRET_HEADER = b"x-telegram-bot-api-secret-token"
#: An update holds one formatted message of some 32,000 characters, and what it answers,
#: each character as six bytes, and marks of its format between them.
MAX_WEBHOOK_BYTES = 1024 * 1024

log = structlog.get_logger("webhooks")


def is_from_telegram(secret: str, given: str) -> bool:
    """Whether `X-Telegram-Bot-Api-Secret-Token` is the channel's secret."""
    return is_same_secret(secret, given)


class TelegramWebhook:
    """Answers Telegram, which repeats an update until the answer is 200."""

    def __init__(
        self,
        shards: Shards,
        lookup: ChannelLookup,
        addresses: ClientAddresses,
        clock: Clock,
        cipher: secrets.Cipher | None,
    ) -> None:
        self._shards = shards
        self._lookup = lookup
        self._addresses = addresses
        self._clock = clock
        self._cipher = cipher
        # A decryption costs as much as all the rest of the reading.
        self._decrypt = lru_cache(maxsize=1024)(self._decrypt_secret)

    async def receive(self, request: Request) -> Response:
        """Store what was done in an update, mostly one message."""
        channel = await self._lookup.find_by_id(
            request.path_params["channel_id"], self._addresses.read(request)
        )
        if (
            channel is None
            or channel.kind is not channels.ChannelKind.TELEGRAM
            or channel.proven_at is None
        ):
            # The bot of a deleted channel may not know it yet: any other answer would
            # only make Telegram repeat the update, for a day.
            submission.webhook_outcome(Source.TELEGRAM, "unknown_account").inc()
            UNKNOWN_ACCOUNTS.labels("telegram").inc()
            return Response(status_code=200)
        self._verify_secret(channel, find_header(request.scope, SECRET_HEADER))
        body = await read_body(request.scope, request.receive, MAX_WEBHOOK_BYTES)
        acknowledged: Response = Response(status_code=200)
        for item in reading.read_webhook(lenient_json.read_json(body)):
            if isinstance(item, reading.SkipReason):
                submission.webhook_outcome(Source.TELEGRAM, f"skipped_{item}").inc()
                continue
            now = self._clock.now()
            await submission.submit_event(
                self._shards,
                self._lookup.pool,
                Source.TELEGRAM,
                reading.build_event(channel, item, now),
                # Of the owner's own chats most messages were never ours to answer.
                may_overtake=item.act is reading.Act.EDITED
                and not item.scope
                and now - item.written_at < reading.GIVEN_UP_AFTER,
            )
            if item.callback_query_id:
                acknowledged = _acknowledge_press(item.callback_query_id)
        return acknowledged

    def _verify_secret(self, channel: channels.Channel, given: str) -> None:
        """Refuse what Telegram has not sent. Raises WrongSignatureError."""
        secret = self._decrypt(channel.id, channel.webhook_secret)
        if not is_from_telegram(secret, given):
            submission.webhook_outcome(Source.TELEGRAM, "wrong_signature").inc()
            message = "The secret token is missing or is not this channel's."
            raise WrongSignatureError(message)

    def _decrypt_secret(self, channel_id: ChannelId, encrypted: bytes | None) -> str:
        """Decrypt; empty, which fits nothing, where that can't be done."""
        if self._cipher is None or encrypted is None:
            return ""
        try:
            return self._cipher.decrypt(encrypted).decode()
        except errors.SecretUnreadableError as error:
            log.warning(
                "webhook_secret_unreadable",
                channel_id=str(channel_id),
                reason=str(error),
            )
            return ""


def _acknowledge_press(callback_query_id: str) -> Response:
    """Answer the webhook with a call, which needs no token.

    Until then the customer's button shows a clock. Telegram tells no result, and none
    is needed.
    """
    call = {"method": "answerCallbackQuery", "callback_query_id": callback_query_id}
    return JSONResponse(call)
