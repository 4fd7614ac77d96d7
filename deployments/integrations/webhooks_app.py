"""Takes what platforms deliver: checks it, turns it into events, has them stored."""

import asyncio
import hmac
import ipaddress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from uuid import uuid4

import orjson
import structlog
from prometheus_client import Counter
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from actors.clock import Clock
from actors.conversation.errors import ActorError, ShardUnavailableError
from actors.conversation.events import MessageEdited
from config.metrics import UNKNOWN_ACCOUNTS, WEBHOOK_EVENTS
from config.settings import Settings
from deployments.errors import install_error_handlers
from deployments.integrations.bodies import find_header, read_body, read_json
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.errors import (
    UnknownChannelError,
    WrongSignatureError,
    WrongVerifyTokenError,
)
from deployments.integrations.instagram import reading as instagram
from deployments.integrations.submit import store
from deployments.integrations.telegram.webhook import TelegramWebhook
from deployments.integrations.website import reading as website
from deployments.integrations.website.throttle import (
    VisitorThrottle,
    build_throttle,
    find_address,
)
from persistence.channels import Channel, ChannelKind
from persistence.ids import ConversationId
from persistence.secrets import Cipher

if TYPE_CHECKING:
    # Importing it imports Ray, which this app does not need to be built or tested.
    from actors.conversation.client import Shards

#: Meta's largest webhooks, of a thousand batched events, stay well below.
MAX_WEBHOOK_BYTES = 1024 * 1024

log = structlog.get_logger("webhooks")


@dataclass(frozen=True, slots=True)
class WebhookServices:
    """What the webhooks need. `directory.forget` must hear `pilito_channels`."""

    settings: Settings
    shards: "Shards"
    directory: ChannelDirectory
    clock: Clock
    #: Counted in Redis where the settings name one, unless another is given.
    throttle: VisitorThrottle | None = None
    #: Reads the channels' own secrets. Without it every update of Telegram is refused.
    cipher: Cipher | None = None


def build_webhooks_app(services: WebhookServices) -> Starlette:
    """Build the app.

    Its routes answer below `/webhooks` and at the top: Serve strips the prefix that it
    is mounted at, another server does not.
    """
    hook, visitors = InstagramWebhook(services), VisitorMessages(services)
    bots = TelegramWebhook(
        services.shards, services.directory, services.clock, services.cipher
    )
    open_to_shops = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["POST"],
        allow_headers=["content-type"],
        expose_headers=["retry-after"],
        max_age=86_400,
    )
    routes: list[BaseRoute] = [
        Route("/instagram/", hook.receive, methods=["POST"]),
        Route("/instagram/", hook.verify, methods=["GET"]),
        Route("/telegram/{channel_id:uuid}/", bots.receive, methods=["POST"]),
        Route(
            "/website/{channel_key}/messages/",
            visitors.receive,
            methods=["POST", "OPTIONS"],
            middleware=[open_to_shops],
        ),
    ]
    app = Starlette(routes=[*routes, Mount("/webhooks", routes=routes)])
    install_error_handlers(app)
    return app


class InstagramWebhook:
    """Answers Meta: 200 only when everything that concerns us is stored."""

    def __init__(self, services: WebhookServices) -> None:
        settings = services.settings
        self._shards = services.shards
        self._directory = services.directory
        self._clock = services.clock
        secret, token = settings.instagram_app_secret, settings.instagram_verify_token
        self._secret = secret.get_secret_value().encode() if secret else None
        self._token = token.get_secret_value().encode() if token else None
        self._is_private = _is_loopback(settings.http_host)

    async def verify(self, request: Request) -> Response:
        """Prove to Meta that this address is ours."""
        given = request.query_params.get("hub.verify_token", "").encode()
        if self._token is None or not hmac.compare_digest(given, self._token):
            raise WrongVerifyTokenError
        return PlainTextResponse(
            request.query_params.get("hub.challenge", ""),
            headers={"X-Content-Type-Options": "nosniff"},
        )

    async def receive(self, request: Request) -> Response:
        """Store all messages of one webhook."""
        body = await read_body(request.scope, request.receive, MAX_WEBHOOK_BYTES)
        self._check_signature(body, find_header(request.scope, b"x-hub-signature-256"))
        threads: dict[ConversationId, list[instagram.InstagramEvent]] = {}
        for incoming in instagram.read_webhook(read_json(body)):
            if isinstance(incoming, instagram.Skip):
                _outcomes(f"skipped_{incoming}").inc()
                continue
            channel = await self._find_channel(incoming.accounts)
            if channel is None:
                _outcomes("unknown_account").inc()
                UNKNOWN_ACCOUNTS.labels("instagram").inc()
                log.info("webhook_unknown_account", accounts=incoming.accounts)
                continue
            event = instagram.build_event(channel, incoming, self._clock.now())
            threads.setdefault(event.conversation_id, []).append(event)
        await self._store(list(threads.values()))
        return Response(b"EVENT_RECEIVED", media_type="text/plain")

    def _check_signature(self, body: bytes, signature: str) -> None:
        if self._secret is not None:
            if not instagram.is_signed(self._secret, body, signature):
                _outcomes("wrong_signature").inc()
                raise WrongSignatureError
        elif not self._is_private:
            log.error(
                "webhook_refused",
                reason="PILITO_INSTAGRAM_APP_SECRET is not set, and this address is "
                "open to others: without it anyone could write as any customer",
            )
            raise WrongSignatureError

    async def _find_channel(self, accounts: tuple[str, ...]) -> Channel | None:
        for account in accounts:
            channel = await self._directory.find(ChannelKind.INSTAGRAM, account)
            if channel is not None:
                return channel
        return None

    async def _store(self, threads: list[list[instagram.InstagramEvent]]) -> None:
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
        # One that will pass decides first: then Meta is told when to come back.
        failures.sort(key=lambda error: not isinstance(error, ShardUnavailableError))
        if failures:
            raise failures[0]

    async def _store_thread(self, events: list[instagram.InstagramEvent]) -> None:
        refused: ActorError | None = None
        for event in events:
            try:
                # What was written can be edited for a quarter of an hour, no longer.
                is_news = isinstance(event, MessageEdited) and not event.is_ours
                receipt = await store(self._shards, event, is_news=is_news)
            except ActorError as error:
                _outcomes("not_stored").inc()
                log.exception(
                    "webhook_event_not_stored",
                    event_id=str(event.id),
                    conversation_id=str(event.conversation_id),
                    reason=str(error),
                )
                if not error.permanent:
                    # What follows would overtake it: it comes again, with all of them.
                    raise
                refused = refused or error
                continue
            if receipt is None:
                # A message from before we were connected was taken back or edited.
                _outcomes("nothing_to_correct").inc()
            else:
                _outcomes("duplicate" if receipt.is_duplicate else "stored").inc()
        if refused is not None:
            raise refused


class VisitorMessages:
    """Takes what visitors write in a shop's own page or in our chat window."""

    def __init__(self, services: WebhookServices) -> None:
        self._services = services
        self._throttle = services.throttle or build_throttle(
            services.settings, services.clock
        )

    async def receive(self, request: Request) -> Response:
        """Store one message of a visitor."""
        if request.method == "OPTIONS":
            return Response(status_code=204)
        services = self._services
        body = await read_body(request.scope, request.receive, website.MAX_BODY_BYTES)
        message = website.parse_message(body)
        peer = request.client.host if request.client else None
        await self._throttle.admit(
            message.visitor_id,
            find_address(peer, request.headers.getlist("x-forwarded-for")),
        )
        channel = await services.directory.find(
            ChannelKind.WEBSITE, request.path_params["channel_key"]
        )
        if channel is None:
            raise UnknownChannelError
        mid = message.client_id or uuid4().hex
        at = services.clock.now()
        event = website.build_event(channel, message, mid, at)
        receipt = await services.shards.submit(event)
        outcome = "duplicate" if receipt.is_duplicate else "stored"
        WEBHOOK_EVENTS.labels("website", outcome).inc()
        return Response(
            orjson.dumps({"id": event.id, "seq": receipt.seq, "created_at": at}),
            status_code=200 if receipt.is_duplicate else 201,
            media_type="application/json",
        )


@cache
def _outcomes(outcome: str) -> Counter:
    """Find the counter once: a look-up by labels takes a lock each time."""
    return WEBHOOK_EVENTS.labels("instagram", outcome)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
