"""Instagram's webhook: verifies the signature, then has every event stored."""

import asyncio
import contextlib
from datetime import datetime, timedelta

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from actors.clock import Clock
from actors.conversation.client import Shards
from actors.conversation.events import MessageEdited
from actors.conversation.state import Source
from config.metrics import UNKNOWN_ACCOUNTS
from config.settings import Settings
from config.signatures import (
    UNVERIFIABLE,
    Signatures,
    judge_signatures,
    read_app_secrets,
)
from deployments.http.addresses import ClientAddresses
from deployments.http.errors import BodyTooLargeError
from deployments.http.open_bodies import OpenBodies
from deployments.http.requests import BodyReader, find_header
from deployments.http.secrets import is_same_secret
from deployments.integrations import errors, lenient_json, submission
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.instagram import building, incoming, reading
from deployments.integrations.instagram.signatures import (
    is_signed_by_any,
    may_be_unsigned,
)
from persistence.channels import AutomaticGreetings, Channel, ChannelKind
from persistence.errors import DATABASE_AWAY
from persistence.ids import ConversationId, derive_conversation_id
from persistence.messages import count_same_echoes

SIGNATURE_HEADER = b"x-hub-signature-256"
#: An automation's text is counted this far back: a small shop has few new customers.
ECHOES_COUNT_FOR = timedelta(days=7)
#: Meta's largest webhooks, of a thousand batched events, stay well below.
MAX_WEBHOOK_BYTES = 1024 * 1024
#: Of nearly all; whoever sends more of an unproven body counts by address.
USUAL_BYTES = 64 * 1024
MAX_LARGE_PER_ADDRESS = 8
MAX_LARGE = 64

log = structlog.get_logger("webhooks")


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
        token = settings.instagram_verify_token
        self._token = token.get_secret_value() if token else None
        self._secrets = read_app_secrets(settings)
        self._signatures = judge_signatures(settings)
        self._has_told = False
        self._addresses = ClientAddresses.build(settings.trusted_proxies)
        self._large = OpenBodies(MAX_LARGE_PER_ADDRESS, MAX_LARGE)

    async def verify(self, request: Request) -> Response:
        """Prove to Meta that this address is ours."""
        given = request.query_params.get("hub.verify_token", "")
        if self._token is None or not is_same_secret(self._token, given):
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
        body = await self._read_verified(request)
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

    async def _read_verified(self, request: Request) -> bytes:
        """Return the body if Meta has signed it, or if none but we can have sent it.

        Raises:
            WrongSignatureError: neither is so; without a secret the body is not read.
        """
        if self._signatures is Signatures.VERIFIED:
            body = await self._read_body(request)
            signature = find_header(request.scope, SIGNATURE_HEADER)
            if is_signed_by_any(self._secrets, body, signature):
                return body
        elif self._signatures is Signatures.LOOPBACK_ONLY and may_be_unsigned(request):
            return await self._read_body(request)
        else:
            self._tell_once()
        submission.webhook_outcome(Source.INSTAGRAM, "wrong_signature").inc()
        raise errors.WrongSignatureError

    def _tell_once(self) -> None:
        # Once, or anyone could fill the log.
        if not self._has_told:
            self._has_told = True
            log.error("webhook_refused", reason=UNVERIFIABLE)

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

        When some can't be stored now the webhook is refused as a whole: Meta delivers
        it again, and those that were stored are known by their ids. What can never be
        stored is kept as a dead letter.
        """
        if len(threads) == 1:
            await self._store_thread(threads[0])
            return
        results = await asyncio.gather(
            *(self._store_thread(thread) for thread in threads), return_exceptions=True
        )
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            raise failures[0]

    async def _store_thread(self, events: list[building.InstagramEvent]) -> None:
        for event in events:
            # What was written can be edited for a quarter of an hour, no longer.
            may_overtake = isinstance(event, MessageEdited) and not event.is_ours
            # What follows one that fails would overtake it: it comes again, with all.
            await submission.submit_event(
                self._shards,
                self._directory.pool,
                Source.INSTAGRAM,
                event,
                may_overtake=may_overtake,
            )
