"""Takes what Telegram delivers: who may say it, and 200 only when it is stored."""

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import structlog
from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response

from actors.clock import Clock
from actors.conversation.errors import ActorError
from config.metrics import UNKNOWN_ACCOUNTS, WEBHOOK_EVENTS
from deployments.integrations.bodies import find_header, read_body, read_json
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.errors import WrongSignatureError
from deployments.integrations.submit import store
from deployments.integrations.telegram import reading as telegram
from persistence.channels import Channel, ChannelKind
from persistence.errors import SecretUnreadableError
from persistence.ids import ChannelId
from persistence.secrets import Cipher

if TYPE_CHECKING:
    # Importing it imports Ray, which this needs neither to be built nor to be tested.
    from actors.conversation.client import Shards

SECRET_HEADER = b"x-telegram-bot-api-secret-token"

log = structlog.get_logger("webhooks")


class TelegramWebhook:
    """Answers Telegram, which asks again until it is told 200."""

    def __init__(
        self,
        shards: "Shards",
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
            # A deleted channel's bot may not have been told: any other answer would
            # only make Telegram ask again, for a day.
            _outcomes("unknown_account").inc()
            UNKNOWN_ACCOUNTS.labels("telegram").inc()
            return Response(status_code=200)
        self._check_secret(channel, find_header(request.scope, SECRET_HEADER))
        body = await read_body(
            request.scope, request.receive, telegram.MAX_WEBHOOK_BYTES
        )
        for incoming in telegram.read_webhook(read_json(body)):
            if isinstance(incoming, telegram.Skip):
                _outcomes(f"skipped_{incoming}").inc()
            else:
                await self._store(channel, incoming)
        return Response(status_code=200)

    def _check_secret(self, channel: Channel, given: str) -> None:
        secret = self._decrypt(channel.id, channel.webhook_secret)
        if not telegram.is_from_telegram(secret, given):
            _outcomes("wrong_signature").inc()
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
                "webhook_secret_unreadable", channel_id=str(channel_id), why=str(error)
            )
            return ""

    async def _store(self, channel: Channel, incoming: telegram.Incoming) -> None:
        now = self._clock.now()
        event = telegram.build_event(channel, incoming, now)
        try:
            is_news = now - incoming.written_at < telegram.GIVEN_UP_AFTER
            receipt = await store(self._shards, event, is_news=is_news)
        except ActorError as error:
            _outcomes("not_stored").inc()
            log.exception(
                "webhook_event_not_stored",
                event_id=str(event.id),
                conversation_id=str(event.conversation_id),
                reason=str(error),
            )
            raise
        if receipt is None:
            # A message from before we were connected was edited.
            _outcomes("nothing_to_correct").inc()
            return
        _outcomes("duplicate" if receipt.is_duplicate else "stored").inc()


@cache
def _outcomes(outcome: str) -> Counter:
    """Find the counter once: a look-up by labels takes a lock each time."""
    return WEBHOOK_EVENTS.labels("telegram", outcome)
