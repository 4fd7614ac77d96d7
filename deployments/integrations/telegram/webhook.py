"""Telegram's webhook: verifies the channel's secret, then has the update stored."""

import hmac
from functools import lru_cache

import structlog
from starlette.requests import Request
from starlette.responses import Response

from actors.clock import Clock
from actors.conversation.client import Shards
from actors.conversation.state import Source
from config.metrics import UNKNOWN_ACCOUNTS
from deployments.http.requests import find_header, read_body
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.errors import WrongSignatureError
from deployments.integrations.lenient_json import read_json
from deployments.integrations.submission import submit_event, webhook_outcome
from deployments.integrations.telegram import reading
from persistence.channels import Channel, ChannelKind
from persistence.errors import SecretUnreadableError
from persistence.ids import ChannelId
from persistence.secrets import Cipher

SECRET_HEADER = b"x-telegram-bot-api-secret-token"
#: An update holds one message of at most 4096 characters, and what it answers.
MAX_WEBHOOK_BYTES = 256 * 1024

log = structlog.get_logger("webhooks")


def is_from_telegram(secret: str, given: str) -> bool:
    """Whether `X-Telegram-Bot-Api-Secret-Token` is the channel's secret."""
    return bool(secret) and hmac.compare_digest(
        secret.encode(), given.encode("utf-8", "replace")
    )


class TelegramWebhook:
    """Answers Telegram, which repeats an update until the answer is 200."""

    def __init__(
        self,
        shards: Shards,
        directory: ChannelDirectory,
        clock: Clock,
        cipher: Cipher | None,
    ) -> None:
        self._shards = shards
        self._directory = directory
        self._clock = clock
        self._cipher = cipher
        # A decryption costs as much as all the rest of the reading.
        self._decrypt = lru_cache(maxsize=1024)(self._decrypt_secret)

    async def receive(self, request: Request) -> Response:
        """Store the one message of an update."""
        channel = await self._directory.find_by_id(request.path_params["channel_id"])
        if channel is None or channel.kind is not ChannelKind.TELEGRAM:
            # The bot of a deleted channel may not know it yet: any other answer would
            # only make Telegram repeat the update, for a day.
            webhook_outcome(Source.TELEGRAM, "unknown_account").inc()
            UNKNOWN_ACCOUNTS.labels("telegram").inc()
            return Response(status_code=200)
        self._verify_secret(channel, find_header(request.scope, SECRET_HEADER))
        body = await read_body(request.scope, request.receive, MAX_WEBHOOK_BYTES)
        for item in reading.read_webhook(read_json(body)):
            if isinstance(item, reading.SkipReason):
                webhook_outcome(Source.TELEGRAM, f"skipped_{item}").inc()
                continue
            now = self._clock.now()
            await submit_event(
                self._shards,
                Source.TELEGRAM,
                reading.build_event(channel, item, now),
                may_overtake=now - item.written_at < reading.GIVEN_UP_AFTER,
            )
        return Response(status_code=200)

    def _verify_secret(self, channel: Channel, given: str) -> None:
        """Refuse what Telegram has not sent. Raises WrongSignatureError."""
        secret = self._decrypt(channel.id, channel.webhook_secret)
        if not is_from_telegram(secret, given):
            webhook_outcome(Source.TELEGRAM, "wrong_signature").inc()
            message = "The secret token is missing or is not this channel's."
            raise WrongSignatureError(message)

    def _decrypt_secret(self, channel_id: ChannelId, encrypted: bytes | None) -> str:
        """Decrypt; empty, which fits nothing, where that can't be done."""
        if self._cipher is None or encrypted is None:
            return ""
        try:
            return self._cipher.decrypt(encrypted).decode()
        except SecretUnreadableError as error:
            log.warning(
                "webhook_secret_unreadable",
                channel_id=str(channel_id),
                reason=str(error),
            )
            return ""
