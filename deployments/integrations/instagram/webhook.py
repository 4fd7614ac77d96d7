"""Instagram's webhook: verifies the signature, then has every event stored."""

import asyncio
import contextlib
import hashlib
import hmac
import ipaddress
from datetime import datetime, timedelta

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from actors.clock import Clock
from actors.conversation.client import Shards
from actors.conversation.errors import ActorError, ShardUnavailableError
from actors.conversation.events import MessageEdited
from actors.conversation.state import Source
from config.metrics import UNKNOWN_ACCOUNTS
from config.settings import Settings
from deployments.http.addresses import ClientAddresses
from deployments.http.errors import BodyTooLargeError
from deployments.http.open_bodies import OpenBodies
from deployments.http.requests import BodyReader, find_header
from deployments.integrations import errors, lenient_json, submission
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.instagram import building, incoming, reading
from persistence.channels import AutomaticGreetings, Channel, ChannelKind
from persistence.errors import DATABASE_AWAY
from persistence.ids import ConversationId, derive_conversation_id
from persistence.messages import count_same_echoes

SIGNATURE_HEADER = b"x-hub-signature-256"
SIGNATURE_PREFIX = "sha256="
#: An automation's text is counted this far back: a small shop has few new customers.
ECHOES_COUNT_FOR = timedelta(days=7)
#: Meta's largest webhooks, of a thousand batched events, stay well below.
MAX_WEBHOOK_BYTES = 1024 * 1024
#: Of nearly all; whoever sends more of an unproven body counts by address.
USUAL_BYTES = 64 * 1024
MAX_LARGE_PER_ADDRESS = 8
MAX_LARGE = 64

log = structlog.get_logger("webhooks")


def is_signed(secret: bytes, body: bytes, signature: str) -> bool:
    """Whether `X-Hub-Signature-256` fits the raw body."""
    if not signature.startswith(SIGNATURE_PREFIX):
        return False
    given = signature[len(SIGNATURE_PREFIX) :].encode("utf-8", "replace")
    expected = hmac.digest(secret, body, hashlib.sha256).hex().encode()
    return hmac.compare_digest(given, expected)


class InstagramWebhook:
    """Answers Meta with 200 only when everything that concerns us is stored."""

    def __init__(
        self,
        settings: Settings,
        shards: Shards,
        directory: ChannelDirectory,
        clock: Clock,
    ) -> None:
        self._shards = shards
        self._directory = directory
        self._clock = clock
        secret, token = settings.instagram_app_secret, settings.instagram_verify_token
        self._secret = secret.get_secret_value().encode() if secret else None
        self._token = token.get_secret_value().encode() if token else None
        self._addresses = ClientAddresses.build(settings.trusted_proxies)
        self._large = OpenBodies(MAX_LARGE_PER_ADDRESS, MAX_LARGE)
        self._is_private = _is_loopback(settings.http_host)

    async def verify(self, request: Request) -> Response:
        """Prove to Meta that this address is ours."""
        given = request.query_params.get("hub.verify_token", "").encode()
        if self._token is None or not hmac.compare_digest(given, self._token):
            raise errors.WrongVerifyTokenError
        return PlainTextResponse(
            request.query_params.get("hub.challenge", ""),
            headers={"X-Content-Type-Options": "nosniff"},
        )

    async def _read_body(self, request: Request) -> bytes:
        """Read what must be read before its signature can be verified."""
        reader = BodyReader(request.scope, request.receive)
        with contextlib.suppress(BodyTooLargeError):
            return await reader.read(USUAL_BYTES)
        with self._large.hold(self._addresses.read(request)):
            return await reader.read(MAX_WEBHOOK_BYTES)

    async def receive(self, request: Request) -> Response:
        """Store all events of one webhook."""
        body = await self._read_body(request)
        self._verify_signature(body, find_header(request.scope, SIGNATURE_HEADER))
        threads: dict[ConversationId, list[building.InstagramEvent]] = {}
        for item in reading.read_webhook(lenient_json.read_json(body)):
            if isinstance(item, incoming.SkipReason):
                submission.webhook_outcome(Source.INSTAGRAM, f"skipped_{item}").inc()
                continue
            channel = await self._find_channel(item.accounts)
            if channel is None:
                submission.webhook_outcome(Source.INSTAGRAM, "unknown_account").inc()
                UNKNOWN_ACCOUNTS.labels("instagram").inc()
                log.info("webhook_unknown_account", accounts=item.accounts)
                continue
            at = self._clock.now()
            same_echoes = await self._count_same_echoes(channel, item, at)
            event = building.build_event(channel, item, at, same_echoes=same_echoes)
            threads.setdefault(event.conversation_id, []).append(event)
        await self._store(list(threads.values()))
        return Response(b"EVENT_RECEIVED", media_type="text/plain")

    def _verify_signature(self, body: bytes, signature: str) -> None:
        """Refuse what Meta has not signed. Raises WrongSignatureError."""
        if self._secret is not None:
            if not is_signed(self._secret, body, signature):
                submission.webhook_outcome(Source.INSTAGRAM, "wrong_signature").inc()
                raise errors.WrongSignatureError
        elif not self._is_private:
            log.error(
                "webhook_refused",
                reason="PILITO_INSTAGRAM_APP_SECRET is not set, and this address is "
                "open to others: without it anyone could write as any customer",
            )
            raise errors.WrongSignatureError

    async def _find_channel(self, accounts: tuple[str, ...]) -> Channel | None:
        for account in accounts:
            channel = await self._directory.find(ChannelKind.INSTAGRAM, account)
            if channel is not None:
                return channel
        return None

    async def _count_same_echoes(
        self, channel: Channel, item: incoming.WebhookEvent, at: datetime
    ) -> int:
        """Count the other customers whom the account has told the same text lately.

        Raises:
            DirectoryUnavailableError: the database does not answer.
        """
        is_recognised = channel.automatic_greetings is AutomaticGreetings.RECOGNISE
        if item.kind is not incoming.EventKind.ECHO or not (
            is_recognised and item.text
        ):
            return 0
        try:
            return await count_same_echoes(
                self._directory.pool,
                channel.tenant_id,
                channel.id,
                derive_conversation_id(channel.id, item.customer),
                item.text,
                at - ECHOES_COUNT_FOR,
            )
        except DATABASE_AWAY as error:
            raise errors.DirectoryUnavailableError from error

    async def _store(self, threads: list[list[building.InstagramEvent]]) -> None:
        """Store all events, those of one conversation in order.

        When some can't be stored the webhook is refused as a whole: Meta delivers it
        again, and those that were stored are known by their ids.
        """
        if len(threads) == 1:
            await self._store_thread(threads[0])
            return
        results = await asyncio.gather(
            *(self._store_thread(thread) for thread in threads), return_exceptions=True
        )
        failures = [result for result in results if isinstance(result, BaseException)]
        # A passing failure decides first: then Meta is told when to come back.
        failures.sort(key=lambda error: not isinstance(error, ShardUnavailableError))
        if failures:
            raise failures[0]

    async def _store_thread(self, events: list[building.InstagramEvent]) -> None:
        refused: ActorError | None = None
        for event in events:
            # What was written can be edited for a quarter of an hour, no longer.
            may_overtake = isinstance(event, MessageEdited) and not event.is_ours
            try:
                await submission.submit_event(
                    self._shards, Source.INSTAGRAM, event, may_overtake=may_overtake
                )
            except ActorError as error:
                if not error.permanent:
                    # What follows would overtake it: it comes again, with all of them.
                    raise
                refused = refused or error
        if refused is not None:
            raise refused


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
