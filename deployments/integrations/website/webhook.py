"""The website's webhook: takes messages from a shop's page or our chat window."""

from uuid import uuid4

import orjson
from starlette.requests import Request
from starlette.responses import Response

from actors.clock import Clock
from actors.conversation.client import Shards
from actors.conversation.state import Source
from deployments.http.requests import read_address, read_body
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.errors import UnknownChannelError
from deployments.integrations.submission import webhook_outcome
from deployments.integrations.website import reading
from deployments.rate_limit import VisitorRateLimiter
from persistence.channels import ChannelKind


class WebsiteWebhook:
    """Stores the messages of visitors, who prove nothing and are limited in rate."""

    def __init__(
        self,
        shards: Shards,
        directory: ChannelDirectory,
        rate_limiter: VisitorRateLimiter,
        clock: Clock,
    ) -> None:
        self._shards = shards
        self._directory = directory
        self._rate_limiter = rate_limiter
        self._clock = clock

    async def receive(self, request: Request) -> Response:
        """Store one message of a visitor."""
        if request.method == "OPTIONS":
            return Response(status_code=204)
        body = await read_body(request.scope, request.receive, reading.MAX_BODY_BYTES)
        message = reading.parse_message(body)
        await self._rate_limiter.admit(message.visitor_id, read_address(request))
        channel = await self._directory.find(
            ChannelKind.WEBSITE, request.path_params["channel_key"]
        )
        if channel is None:
            raise UnknownChannelError
        mid = message.client_id or uuid4().hex
        at = self._clock.now()
        event = reading.build_event(channel, message, mid, at)
        receipt = await self._shards.submit(event)
        outcome = "duplicate" if receipt.is_duplicate else "stored"
        webhook_outcome(Source.WEBSITE, outcome).inc()
        return Response(
            orjson.dumps({"id": event.id, "seq": receipt.seq, "created_at": at}),
            status_code=200 if receipt.is_duplicate else 201,
            media_type="application/json",
        )
