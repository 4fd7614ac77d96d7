"""`/api/channels/`: the accounts that a tenant connects."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, TypeAlias, assert_never
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Response
from pydantic import AfterValidator, Discriminator, Field, StringConstraints

from deployments.integrations.channel_registration import resume_waiting
from deployments.integrations.platforms import build_webhook_path
from deployments.web.api.auth import SignedIn
from deployments.web.api.errors import (
    InvalidValueError,
    LimitReachedError,
    NotFoundError,
    require,
)
from deployments.web.api.schemas import (
    Answer,
    Name,
    NoNul,
    NotBlank,
    Page,
    Paging,
    Problem,
    RequestBody,
)
from deployments.web.dependencies import Context, WebDependencies
from persistence import channels, errors, ids

router = APIRouter(prefix="/api/channels", tags=["channels"])

#: Enough of a token to tell two apart, and too little to use it.
HINT_CHARS = 4

AGAIN = "POST /api/channels/{id}/connect/ tries again."
HINTS: Mapping[channels.LinkState, str | None] = {
    channels.LinkState.CONNECTED: None,
    channels.LinkState.PENDING: f"The webhook is not subscribed yet. {AGAIN}",
    channels.LinkState.PAUSED: "The webhook is subscribed when the channel is resumed.",
    channels.LinkState.NO_PUBLIC_URL: "Set PILITO_PUBLIC_URL to the https address at "
    f"which the platform reaches us, and restart. {AGAIN}",
    channels.LinkState.UNREACHABLE: f"The platform can't be reached from here. {AGAIN}",
    channels.LinkState.REFUSED: f"The platform refused. {AGAIN}",
    channels.LinkState.UNPROVEN: "The platform does not say whose this token is: set a "
    f"token of the account itself. {AGAIN}",
}
#: The same for everybody, whoever else may have connected the account.
UNPROVEN = (
    "It is not proven yet that the account is yours: the platform must accept the "
    "token. Until then none of the account's messages are taken."
)


def _refuse_unseen(text: str) -> str:
    # A text copied from a Persian page may hold invisible direction marks: a header
    # can't carry them, and no webhook names such an id.
    if not (text.isascii() and text.isprintable()):
        message = "must be plain Latin letters, digits and signs: copy it again"
        raise ValueError(message)
    return text


Token = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=8, max_length=4000),
    AfterValidator(_refuse_unseen),
]
# Telegram itself checks the token; this is what may stand in an address.
BotToken = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{1,20}:[A-Za-z0-9_-]{3,200}$")
]
AccountId = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_refuse_unseen),
]
#: A question as a button shows it: one short line.
Suggestion = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=80),
    NoNul,
    NotBlank,
    AfterValidator(lambda text: " ".join(text.split())),
]
Suggestions = Annotated[tuple[Suggestion, ...], Field(max_length=5)]


class InstagramIn(RequestBody):
    """An Instagram business account."""

    kind: Literal["instagram"]
    name: Name
    account_id: AccountId
    access_token: Token
    is_paused: bool = False
    automatic_greetings: channels.AutomaticGreetings = (
        channels.AutomaticGreetings.RECOGNISE
    )


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
    suggestions: Suggestions = ()
    follow_ups: Suggestions = ()


ChannelIn: TypeAlias = Annotated[
    InstagramIn | TelegramIn | WebsiteIn, Discriminator("kind")
]


class ChannelPatch(RequestBody):
    """A change of a channel. A token replaces the old one."""

    name: Name | None = None
    is_paused: bool | None = None
    access_token: Token | None = None
    bot_token: BotToken | None = None
    automatic_greetings: channels.AutomaticGreetings | None = None
    suggestions: Suggestions | None = None
    follow_ups: Suggestions | None = None


class ChannelOut(Answer):
    """A channel; its token is shown by the end only, its secrets once, when made.

    `connection` says whether the platform delivers to us; null for a website, which
    needs no platform. `connection_hint` says what to do about it. `proven_at` says
    since when the account is proven to be the tenant's; while it is null the account is
    only claimed, and none of its messages are taken. `automatic_greetings` says whether
    what another app of the account sends to everybody is recognised as no person's
    answer; null where no platform reports such messages. `suggestions` are the
    questions that a website's chat page offers before the first message, and the n-th
    of `follow_ups` is offered after the answer to the n-th of them; null for others.
    `visitor_secret` is a website's: a shop that knows its visitors sends the
    HMAC-SHA256 of a visitor's id under it (hex) as `visitor_hash`.
    """

    id: UUID
    kind: channels.ChannelKind
    name: str
    account_id: str
    webhook_path: str
    webhook_secret: str | None = None
    visitor_secret: str | None = None
    channel_key: str | None = None
    token_hint: str | None = None
    connection: channels.LinkState | None = None
    connection_hint: str | None = None
    proven_at: datetime | None = None
    automatic_greetings: channels.AutomaticGreetings | None = None
    suggestions: tuple[str, ...] | None = None
    follow_ups: tuple[str, ...] | None = None
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
    """Connect an account.

    A token that the platform does not know, or of another account, is refused. If the
    platform can't be reached, or refuses for another reason, the channel is a claim of
    the account: none of its messages are taken before the token has proven it.
    """
    new = _build_new(body)
    limit = context.settings.max_channels
    if await channels.count_channels(context.pool, principal.tenant_id) >= limit:
        message = f"There may be {limit} channels. Remove one that is not used."
        raise LimitReachedError(message)
    channel = await context.registration.create(principal.tenant_id, new)
    made = {
        "webhook_secret": new.tokens.webhook_secret,
        "visitor_secret": new.tokens.visitor_secret,
    }
    return _render(context, channel).model_copy(update=made)


@router.get("/{channel_id}/")
async def show_channel(
    channel_id: UUID, principal: SignedIn, context: Context
) -> ChannelOut:
    """Show a channel."""
    return _render(context, await _fetch(context, principal.tenant_id, channel_id))


@router.patch("/{channel_id}/", responses={502: {"model": Problem}})
async def edit_channel(
    channel_id: UUID,
    body: ChannelPatch,
    principal: SignedIn,
    context: Context,
    after: BackgroundTasks,
) -> ChannelOut:
    """Rename or pause a channel, replace its token, or set what it does and offers.

    Messages that waited during a pause are sent when it ends. A bot's token that is
    another bot's moves the channel to that bot, if the platform accepts it at once: not
    during a pause (422), nor while the platform can't be reached (502).
    """
    old = await _fetch(context, principal.tenant_id, channel_id)
    channel = require(await context.registration.edit(old, _build_edit(old, body)))
    if old.is_paused and not channel.is_paused:
        after.add_task(
            resume_waiting, context.pool, context.shards, context.clock, channel
        )
    return _render(context, channel)


@router.post("/{channel_id}/connect/")
async def connect_channel(
    channel_id: UUID, principal: SignedIn, context: Context
) -> ChannelOut:
    """Verify the token and subscribe the webhook again, and show the result."""
    channel = await _fetch(context, principal.tenant_id, channel_id)
    if channel.kind not in context.registration.platforms:
        message = f"kind: a {channel.kind} channel has no platform to connect to"
        raise InvalidValueError(message)
    return _render(context, await context.registration.connect(channel))


@router.post("/{channel_id}/disconnect/")
async def disconnect_channel(
    channel_id: UUID, principal: SignedIn, context: Context
) -> ChannelOut:
    """Forget a channel's token and pause it; its conversations stay.

    A new token, and the end of the pause, connect it again.
    """
    channel = await _fetch(context, principal.tenant_id, channel_id)
    return _render(context, require(await context.registration.disconnect(channel)))


@router.post("/{channel_id}/visitor-secret/")
async def renew_visitor_secret(
    channel_id: UUID, principal: SignedIn, context: Context
) -> ChannelOut:
    """Make a new `visitor_secret` for a website, and show it this once.

    Hashes under the one before it prove nothing any more, nor do tokens that were given
    for them. Visitors whom Pilito gave an id go on.
    """
    old = await _fetch(context, principal.tenant_id, channel_id)
    if old.kind is not channels.ChannelKind.WEBSITE:
        message = f"kind: a {old.kind} channel has no visitors of its own"
        raise InvalidValueError(message)
    secret = secrets.token_urlsafe(32)
    async with context.pool.acquire() as connection, connection.transaction():
        channel = await channels.set_visitor_secret(
            connection, context.cipher, principal.tenant_id, old.id, secret
        )
    shown = _render(context, require(channel))
    return shown.model_copy(update={"visitor_secret": secret})


@router.delete("/{channel_id}/", status_code=204)
async def delete_channel(
    channel_id: UUID, principal: SignedIn, context: Context
) -> Response:
    """Delete a channel without conversations, or a website that is paused.

    The conversations of a website stay.
    """
    if not await context.registration.remove(
        principal.tenant_id, ids.ChannelId(channel_id)
    ):
        raise NotFoundError
    return Response(status_code=204)


async def _fetch(
    context: WebDependencies, tenant_id: ids.TenantId, channel_id: UUID
) -> channels.Channel:
    channel = await channels.fetch_tenant_channel(
        context.pool, tenant_id, ids.ChannelId(channel_id)
    )
    return require(channel)


def _build_new(body: InstagramIn | TelegramIn | WebsiteIn) -> channels.NewChannel:
    greetings = channels.AutomaticGreetings.RECOGNISE
    suggestions = channels.NO_SUGGESTIONS
    match body:
        case InstagramIn():
            greetings = body.automatic_greetings
            account_id = body.account_id
            tokens = channels.ChannelTokens(body.access_token, None)
        case TelegramIn():
            account_id = _bot_id(body.bot_token)
            # Telegram sends the secret with each update, and nobody else knows it.
            tokens = channels.ChannelTokens(body.bot_token, secrets.token_urlsafe(32))
        case WebsiteIn():
            account_id = secrets.token_urlsafe(16)
            suggestions = channels.Suggestions(body.suggestions, body.follow_ups)
            tokens = channels.ChannelTokens(None, None, secrets.token_urlsafe(32))
        case _:
            assert_never(body)
    return channels.NewChannel(
        channels.ChannelKind(body.kind),
        body.name,
        account_id,
        tokens,
        body.is_paused,
        automatic_greetings=greetings,
        suggestions=suggestions,
    )


def _build_edit(channel: channels.Channel, body: ChannelPatch) -> channels.ChannelEdit:
    """Take the fields that the channel's kind has. Raises InvalidValueError."""
    for field, kind in (
        ("access_token", channels.ChannelKind.INSTAGRAM),
        ("bot_token", channels.ChannelKind.TELEGRAM),
        ("automatic_greetings", channels.ChannelKind.INSTAGRAM),
        ("suggestions", channels.ChannelKind.WEBSITE),
        ("follow_ups", channels.ChannelKind.WEBSITE),
    ):
        if getattr(body, field) is not None and channel.kind is not kind:
            message = f"{field}: a {channel.kind} channel has none"
            raise InvalidValueError(message)
    return channels.ChannelEdit(
        name=body.name,
        is_paused=body.is_paused,
        account_id=None if body.bot_token is None else _bot_id(body.bot_token),
        access_token=body.access_token or body.bot_token,
        automatic_greetings=body.automatic_greetings,
        suggestions=body.suggestions,
        follow_ups=body.follow_ups,
    )


def _bot_id(bot_token: str) -> str:
    return bot_token.partition(":")[0]


def _render(context: WebDependencies, channel: channels.Channel) -> ChannelOut:
    try:
        tokens = channels.decrypt_tokens(context.cipher, channel)
    except errors.SecretUnreadableError:
        # The list must open, so that the unreadable token can be replaced.
        tokens = channels.ChannelTokens(None, None)
    is_instagram = channel.kind is channels.ChannelKind.INSTAGRAM
    is_website = channel.kind is channels.ChannelKind.WEBSITE
    link = channel.link
    return ChannelOut(
        id=channel.id,
        kind=channel.kind,
        name=channel.name,
        account_id=channel.account_id,
        webhook_path=build_webhook_path(channel),
        channel_key=channel.account_id if is_website else None,
        token_hint=tokens.access_token and f"…{tokens.access_token[-HINT_CHARS:]}",
        connection=link.state if link else None,
        connection_hint=_build_hint(channel),
        proven_at=channel.proven_at,
        automatic_greetings=channel.automatic_greetings if is_instagram else None,
        suggestions=channel.suggestions.first if is_website else None,
        follow_ups=channel.suggestions.follow_ups if is_website else None,
        is_paused=channel.is_paused,
        created_at=channel.created_at,
    )


def _build_hint(channel: channels.Channel) -> str | None:
    """Return what to do about a link; None if there is nothing."""
    link = channel.link
    parts = [] if link is None else [HINTS[link.state] or "", link.note]
    if channel.proven_at is None:
        parts.append(UNPROVEN)
    return " ".join(filter(None, parts)) or None
