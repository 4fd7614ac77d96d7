"""`/api/channels/`: the accounts that a tenant connects."""

import secrets
from datetime import datetime
from typing import Annotated, Literal, TypeAlias, assert_never
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Discriminator, StringConstraints

from deployments.api.auth import SignedIn
from deployments.api.context import ApiContext, Context
from deployments.api.errors import InvalidValueError, NotFoundError
from deployments.api.pagination import Page, Paging
from deployments.api.schemas import Answer, Name, NoNul, RequestBody
from persistence import channels
from persistence.channels import (
    Channel,
    ChannelEdit,
    ChannelKind,
    ChannelTokens,
    NewChannel,
)
from persistence.errors import SecretUnreadableError
from persistence.ids import ChannelId

router = APIRouter(prefix="/api/channels", tags=["channels"])

#: So much of a token tells two apart and gives nothing away.
HINT_CHARS = 4

Token = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=8, max_length=4000),
    NoNul,
]
BotToken = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{1,20}:[A-Za-z0-9_-]{8,200}$")
]
AccountId = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    NoNul,
]


class InstagramIn(RequestBody):
    """An Instagram business account."""

    kind: Literal["instagram"]
    name: Name
    account_id: AccountId
    access_token: Token
    is_paused: bool = False


class TelegramIn(RequestBody):
    """A Telegram bot."""

    kind: Literal["telegram"]
    name: Name
    bot_token: BotToken
    is_paused: bool = False


class WebsiteIn(RequestBody):
    """A chat window on a website."""

    kind: Literal["website"]
    name: Name
    is_paused: bool = False


ChannelIn: TypeAlias = Annotated[
    InstagramIn | TelegramIn | WebsiteIn, Discriminator("kind")
]


class ChannelPatch(RequestBody):
    """What to change. A token replaces the old one."""

    name: Name | None = None
    is_paused: bool | None = None
    access_token: Token | None = None
    bot_token: BotToken | None = None


class ChannelOut(Answer):
    """A channel; of its token only the end is shown."""

    id: UUID
    kind: ChannelKind
    name: str
    account_id: str
    webhook_path: str
    webhook_secret: str | None = None
    channel_key: str | None = None
    token_hint: str | None = None
    is_paused: bool
    created_at: datetime


@router.get("/")
async def list_channels(
    principal: SignedIn, context: Context, paging: Paging
) -> Page[ChannelOut]:
    """List the tenant's channels."""
    count, rows = await channels.fetch_channels_page(
        context.pool, principal.tenant_id, paging.limit, paging.offset
    )
    return paging.build(count, (_render(context, row) for row in rows))


@router.post("/", status_code=201)
async def create_channel(
    body: ChannelIn, principal: SignedIn, context: Context
) -> ChannelOut:
    """Connect an account."""
    async with context.pool.acquire() as connection, connection.transaction():
        channel = await channels.create_channel(
            connection, context.cipher, principal.tenant_id, _build_new(body)
        )
    return _render(context, channel)


@router.get("/{channel_id}/")
async def show_channel(
    channel_id: UUID, principal: SignedIn, context: Context
) -> ChannelOut:
    """Show one channel."""
    channel = await channels.fetch_tenant_channel(
        context.pool, principal.tenant_id, ChannelId(channel_id)
    )
    return _render(context, _found(channel))


@router.patch("/{channel_id}/")
async def edit_channel(
    channel_id: UUID, body: ChannelPatch, principal: SignedIn, context: Context
) -> ChannelOut:
    """Rename or pause a channel, or replace its token."""
    async with context.pool.acquire() as connection, connection.transaction():
        old = await channels.fetch_tenant_channel(
            connection, principal.tenant_id, ChannelId(channel_id)
        )
        channel = await channels.edit_channel(
            connection,
            context.cipher,
            principal.tenant_id,
            ChannelId(channel_id),
            _build_edit(_found(old), body),
        )
    return _render(context, _found(channel))


@router.delete("/{channel_id}/", status_code=204)
async def delete_channel(
    channel_id: UUID, principal: SignedIn, context: Context
) -> Response:
    """Disconnect a channel that nobody has written to."""
    async with context.pool.acquire() as connection, connection.transaction():
        if not await channels.remove_channel(
            connection, principal.tenant_id, ChannelId(channel_id)
        ):
            raise NotFoundError
    return Response(status_code=204)


def _found(channel: Channel | None) -> Channel:
    if channel is None:
        raise NotFoundError
    return channel


def _build_new(body: InstagramIn | TelegramIn | WebsiteIn) -> NewChannel:
    match body:
        case InstagramIn():
            account_id = body.account_id
            tokens = ChannelTokens(body.access_token, None)
        case TelegramIn():
            account_id = _bot_id(body.bot_token)
            # Telegram sends it back with each update: only Telegram knows it.
            tokens = ChannelTokens(body.bot_token, secrets.token_urlsafe(32))
        case WebsiteIn():
            account_id = secrets.token_urlsafe(16)
            tokens = ChannelTokens(None, None)
        case _:
            assert_never(body)
    return NewChannel(
        ChannelKind(body.kind), body.name, account_id, tokens, body.is_paused
    )


def _build_edit(channel: Channel, body: ChannelPatch) -> ChannelEdit:
    """Take the token that the channel's kind has. Raises InvalidValueError."""
    for field, kind in (
        ("access_token", ChannelKind.INSTAGRAM),
        ("bot_token", ChannelKind.TELEGRAM),
    ):
        if getattr(body, field) is not None and channel.kind is not kind:
            message = f"{field}: a {channel.kind} channel has none"
            raise InvalidValueError(message)
    return ChannelEdit(
        name=body.name,
        is_paused=body.is_paused,
        account_id=None if body.bot_token is None else _bot_id(body.bot_token),
        access_token=body.access_token or body.bot_token,
    )


def _bot_id(bot_token: str) -> str:
    return bot_token.partition(":")[0]


def _render(context: ApiContext, channel: Channel) -> ChannelOut:
    try:
        tokens = channels.decrypt_tokens(context.cipher, channel)
    except SecretUnreadableError:
        # The list must open, or nobody could replace the token that can't be read.
        tokens = ChannelTokens(None, None)
    is_website = channel.kind is ChannelKind.WEBSITE
    return ChannelOut(
        id=channel.id,
        kind=channel.kind,
        name=channel.name,
        account_id=channel.account_id,
        webhook_path=_webhook_path(channel),
        webhook_secret=tokens.webhook_secret,
        channel_key=channel.account_id if is_website else None,
        token_hint=tokens.access_token and f"…{tokens.access_token[-HINT_CHARS:]}",
        is_paused=channel.is_paused,
        created_at=channel.created_at,
    )


def _webhook_path(channel: Channel) -> str:
    return {
        ChannelKind.INSTAGRAM: "/webhooks/instagram/",
        ChannelKind.TELEGRAM: f"/webhooks/telegram/{channel.id}/",
        ChannelKind.WEBSITE: f"/webhooks/website/{channel.account_id}/messages/",
    }[channel.kind]
