"""The website's webhook: checks the messages of a shop's page, and stores each."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast
from uuid import uuid4

import orjson
from starlette.requests import Request
from starlette.responses import Response

from actors.clock import Clock
from actors.conversation.client import Shards
from actors.conversation.events import CustomerWrote
from actors.conversation.rules.placeholders import has_words
from actors.conversation.state import Source
from deployments.http.addresses import ClientAddresses
from deployments.http.open_bodies import OpenBodies
from deployments.http.requests import read_body
from deployments.integrations import errors
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.channel_lookup import ChannelLookup
from deployments.integrations.lenient_json import read_json
from deployments.integrations.submission import webhook_outcome
from deployments.integrations.website.visitors import (
    NO_PROOF,
    Proof,
    Visitors,
    check_proof,
)
from deployments.rate_limit import VisitorRateLimiter
from persistence.channels import Channel
from persistence.ids import MessageId, derive_conversation_id, derive_event_id
from persistence.messages import fetch_message

#: Four bytes a letter, all of them escaped, and the other fields.
MAX_BODY_BYTES = 64 * 1024
MAX_CONTENT_CHARS = 4000
MAX_OPEN_PER_ADDRESS = 64
MAX_OPEN = 500
_VISITOR = re.compile(r"[A-Za-z0-9._~-]{8,128}")
_CLIENT = re.compile(r"[A-Za-z0-9._~:-]{1,64}")


@dataclass(frozen=True, slots=True)
class VisitorMessage:
    """A visitor's message. `client_id` is the page's own id of it."""

    visitor_id: str
    content: str
    client_id: str | None = None
    proof: Proof = NO_PROOF


class WebsiteWebhook:
    """Stores the messages of visitors, who prove their id and are limited in rate."""

    def __init__(
        self,
        shards: Shards,
        directory: ChannelDirectory,
        rate_limiter: VisitorRateLimiter,
        clock: Clock,
        addresses: ClientAddresses,
        visitors: Visitors,
    ) -> None:
        self._shards = shards
        self._directory = directory
        self._rate_limiter = rate_limiter
        self._clock = clock
        self._addresses = addresses
        self._lookup = ChannelLookup(directory, rate_limiter)
        self._visitors = visitors
        self._open = OpenBodies(MAX_OPEN_PER_ADDRESS, MAX_OPEN)

    async def make_visitor(self, request: Request) -> Response:
        """Give a visitor an id and a token, or a token to an id of the shop's."""
        if request.method == "OPTIONS":
            return Response(status_code=204)
        address = self._addresses.read(request)
        fields = parse_fields(await self._read_body(request, address) or b"{}")
        channel = await self._find_open(request, address)
        if fields.get("visitor_id") is None:
            visitor = await self._visitors.issue(channel, address)
        else:
            visitor_id = check_visitor_id(fields["visitor_id"])
            proof = check_proof(fields.get("token"), fields.get("visitor_hash"))
            await self._visitors.verify(channel, visitor_id, proof, address)
            visitor = self._visitors.vouch(channel, visitor_id, proof)
        return Response(
            orjson.dumps({"visitor_id": visitor.id, "token": visitor.token}),
            status_code=201,
            headers={"Cache-Control": "no-store"},
            media_type="application/json",
        )

    async def receive(self, request: Request) -> Response:
        """Store one message of a visitor."""
        if request.method == "OPTIONS":
            return Response(status_code=204)
        address = self._addresses.read(request)
        message = parse_message(await self._read_body(request, address))
        channel = await self._find_open(request, address)
        await self._visitors.verify(channel, message.visitor_id, message.proof, address)
        await self._rate_limiter.admit(f"{channel.id}:{message.visitor_id}", address)
        mid = message.client_id or uuid4().hex
        at = self._clock.now()
        event = build_event(channel, message, mid, at)
        receipt = await self._shards.submit(event)
        if receipt.is_duplicate:
            at = await self._find_first(event)
        outcome = "duplicate" if receipt.is_duplicate else "stored"
        webhook_outcome(Source.WEBSITE, outcome).inc()
        return Response(
            orjson.dumps({"id": event.id, "seq": receipt.seq, "created_at": at}),
            status_code=200 if receipt.is_duplicate else 201,
            media_type="application/json",
        )

    async def _read_body(self, request: Request, address: str | None) -> bytes:
        with self._open.hold(address):
            return await read_body(request.scope, request.receive, MAX_BODY_BYTES)

    async def _find_open(self, request: Request, address: str | None) -> Channel:
        """Find the channel of a request.

        Raises:
            UnknownChannelError: there is none.
            ChannelPausedError: it takes no messages now.
        """
        key = request.path_params["channel_key"]
        channel = await self._lookup.find_website(key, address)
        if channel is None:
            raise errors.UnknownChannelError
        if channel.is_paused:
            raise errors.ChannelPausedError
        return channel

    async def _find_first(self, event: CustomerWrote) -> datetime:
        """Return when the message that has this id already was stored.

        It is committed by now, whichever request came first: the database decides.

        Raises:
            ClientIdTakenError: it says something else.
        """
        stored = await fetch_message(
            self._directory.pool, event.tenant_id, MessageId(event.id)
        )
        if stored is None:
            return event.at
        if stored.content != event.text:
            webhook_outcome(Source.WEBSITE, "client_id_taken").inc()
            raise errors.ClientIdTakenError
        return stored.created_at


def parse_message(body: bytes) -> VisitorMessage:
    """Read the body of a message.

    Raises:
        BrokenBodyError: it is not a JSON object.
        InvalidFieldError: naming the first invalid field.
    """
    return check_fields(parse_fields(body))


def parse_fields(body: bytes) -> dict[str, object]:
    """Read the body of a POST. Raises BrokenBodyError if it is no JSON object."""
    payload = read_json(body)
    if not isinstance(payload, dict):
        message = "The body is not a JSON object."
        raise errors.BrokenBodyError(message)
    return cast("dict[str, object]", payload)


def check_fields(fields: dict[str, object]) -> VisitorMessage:
    """Check a message and its proof. Raises InvalidFieldError."""
    message = check_message(
        fields.get("visitor_id"), fields.get("content"), fields.get("client_id")
    )
    proof = check_proof(fields.get("token"), fields.get("visitor_hash"))
    return replace(message, proof=proof)


def check_message(
    visitor_id: object, content: object, client_id: object = None
) -> VisitorMessage:
    """Check the fields. Raises InvalidFieldError naming the first invalid one."""
    if not isinstance(content, str) or not has_words(content):
        message = "must be a text with words"
        raise errors.InvalidFieldError(message, "content")
    if len(content) > MAX_CONTENT_CHARS:
        message = f"must have at most {MAX_CONTENT_CHARS} characters"
        raise errors.InvalidFieldError(message, "content")
    if "\0" in content:
        message = "must not contain NUL"
        raise errors.InvalidFieldError(message, "content")
    if client_id is None:
        return VisitorMessage(check_visitor_id(visitor_id), content)
    if not isinstance(client_id, str) or not _CLIENT.fullmatch(client_id):
        message = "must be 1 to 64 letters, digits or any of . _ ~ : -"
        raise errors.InvalidFieldError(message, "client_id")
    return VisitorMessage(check_visitor_id(visitor_id), content, client_id)


def check_visitor_id(visitor_id: object) -> str:
    """Check a visitor's id. Raises InvalidFieldError."""
    if not isinstance(visitor_id, str) or not _VISITOR.fullmatch(visitor_id):
        message = "must be 8 to 128 letters, digits or any of . _ ~ -"
        raise errors.InvalidFieldError(message, "visitor_id")
    return visitor_id


def build_event(
    channel: Channel, message: VisitorMessage, mid: str, at: datetime
) -> CustomerWrote:
    """Build the event; its id follows from `mid`."""
    conversation_id = derive_conversation_id(channel.id, message.visitor_id)
    return CustomerWrote(
        id=derive_event_id(conversation_id, mid),
        conversation_id=conversation_id,
        at=at,
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        source=Source.WEBSITE,
        customer=message.visitor_id,
        mid=mid,
        text=message.content,
    )
