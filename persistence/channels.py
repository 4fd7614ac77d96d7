"""Channels: the accounts and pages where a tenant's customers write."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import cast
from uuid import uuid4

import asyncpg

from persistence.database import Connection, Db
from persistence.errors import DuplicateRowError
from persistence.ids import ChannelId, TenantId
from persistence.queries import load_queries
from persistence.secrets import Cipher

_SQL = load_queries("channels")
TAKEN = "account_id: this account is connected already"


class ChannelKind(StrEnum):
    """The platform behind a channel."""

    INSTAGRAM = "instagram"
    TELEGRAM = "telegram"
    WEBSITE = "website"


class LinkState(StrEnum):
    """Whether the platform delivers to us, and if not, why."""

    CONNECTED = "connected"
    #: Verified but not subscribed yet; lasts only when that was interrupted.
    PENDING = "pending"
    PAUSED = "paused"
    NO_PUBLIC_URL = "no_public_url"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    #: The platform does not say whose the token is.
    UNPROVEN = "unproven"


class AutomaticGreetings(StrEnum):
    """What an automatic greeting, sent by another app of the account, does."""

    #: It is stored, and the AI goes on leading.
    RECOGNISE = "recognise"
    #: It counts as a person's answer, and the AI falls silent.
    TAKE_OVER = "take_over"


@dataclass(frozen=True, slots=True)
class Link:
    """A channel's link to its platform; `note` quotes the platform, without secrets."""

    state: LinkState
    note: str = ""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Questions that a website's chat page offers, at most five of each."""

    #: Before the first message.
    first: tuple[str, ...] = ()
    #: After an answer: the n-th follows the n-th of the first.
    follow_ups: tuple[str, ...] = ()


NO_SUGGESTIONS = Suggestions()


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel. Its secrets are encrypted."""

    id: ChannelId
    tenant_id: TenantId
    kind: ChannelKind
    name: str
    #: Instagram's account id, Telegram's bot id, the website's public key.
    account_id: str
    is_paused: bool
    created_at: datetime
    access_token: bytes | None = field(repr=False)
    webhook_secret: bytes | None = field(repr=False)
    #: None where no platform delivers: a website's page posts to us itself.
    link: Link | None = None
    automatic_greetings: AutomaticGreetings = AutomaticGreetings.RECOGNISE
    suggestions: Suggestions = NO_SUGGESTIONS
    #: Since when the account is proven to be the tenant's; None while it is a claim.
    #: What happens on an account goes to who has proven it, and to nobody else.
    proven_at: datetime | None = None
    #: A website's: it proves the ids that the shop gives its visitors.
    visitor_secret: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ChannelTokens:
    """A channel's secrets as the platform knows them."""

    access_token: str | None = field(repr=False)
    webhook_secret: str | None = field(repr=False)
    visitor_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NewChannel:
    """The values of a channel that is to be created."""

    kind: ChannelKind
    name: str
    account_id: str
    tokens: ChannelTokens
    is_paused: bool = False
    link: Link | None = None
    automatic_greetings: AutomaticGreetings = AutomaticGreetings.RECOGNISE
    suggestions: Suggestions = NO_SUGGESTIONS
    #: Whether the platform accepted the token for the account; websites need no proof.
    is_proven: bool = False


@dataclass(frozen=True, slots=True)
class ChannelEdit:
    """A change of a channel; None leaves a field as it is."""

    name: str | None = None
    is_paused: bool | None = None
    account_id: str | None = None
    access_token: str | None = field(default=None, repr=False)
    link: Link | None = None
    automatic_greetings: AutomaticGreetings | None = None
    suggestions: tuple[str, ...] | None = None
    follow_ups: tuple[str, ...] | None = None
    #: Whether the platform accepted the token for the account.
    is_proven: bool = False


class AccountElsewhereError(DuplicateRowError):
    """This account is connected elsewhere in this runtime. Disconnect it there."""


class ChannelInUseError(DuplicateRowError):
    """This channel has conversations. Pause it; a paused website can be removed."""


async def create_channel(
    db: Connection, cipher: Cipher, tenant_id: TenantId, new: NewChannel
) -> Channel:
    """Create a channel.

    Raises:
        DuplicateRowError: the tenant has a channel of this account.
        AccountElsewhereError: both this channel and another tenant's are proven.
    """
    row = await db.fetchrow(
        _SQL["insert_channel"],
        uuid4(),
        tenant_id,
        new.kind,
        new.name,
        new.account_id,
        _encrypt(cipher, new.tokens.access_token),
        _encrypt(cipher, new.tokens.webhook_secret),
        new.is_paused,
        *_link_columns(new.link),
        new.automatic_greetings,
        new.suggestions.first,
        new.suggestions.follow_ups,
        new.is_proven,
        _encrypt(cipher, new.tokens.visitor_secret),
    )
    if row is None:
        if await fetch_claim(db, tenant_id, new.kind, new.account_id) is not None:
            raise DuplicateRowError(TAKEN)
        raise AccountElsewhereError
    await notify_channels(db, ChannelId(row["id"]))
    return read_channel(row)


async def edit_channel(
    db: Connection,
    cipher: Cipher,
    tenant_id: TenantId,
    channel_id: ChannelId,
    edit: ChannelEdit,
) -> Channel | None:
    """Apply an edit inside the caller's transaction; None if there is no such channel.

    Raises:
        DuplicateRowError: the tenant has another channel of the new account.
        AccountElsewhereError: both this channel and another tenant's are proven.
    """
    old = await lock_channel(db, tenant_id, channel_id)
    if old is None:
        return None
    token = _encrypt(cipher, edit.access_token)
    try:
        row = await db.fetchrow(
            _SQL["update_channel"],
            tenant_id,
            channel_id,
            old.name if edit.name is None else edit.name,
            old.is_paused if edit.is_paused is None else edit.is_paused,
            edit.account_id or old.account_id,
            token or old.access_token,
            *_link_columns(edit.link or old.link),
            edit.automatic_greetings or old.automatic_greetings,
            _unless_none(edit.suggestions, old.suggestions.first),
            _unless_none(edit.follow_ups, old.suggestions.follow_ups),
            edit.is_proven,
        )
    except asyncpg.UniqueViolationError as error:
        raise name_conflict(error) from error
    await notify_channels(db, channel_id)
    return None if row is None else read_channel(row)


async def set_visitor_secret(
    db: Connection,
    cipher: Cipher,
    tenant_id: TenantId,
    channel_id: ChannelId,
    secret: str,
) -> Channel | None:
    """Replace a website's secret in the caller's transaction; None if there is none."""
    row = await db.fetchrow(
        _SQL["set_visitor_secret"], tenant_id, channel_id, _encrypt(cipher, secret)
    )
    if row is None:
        return None
    await notify_channels(db, channel_id)
    return read_channel(row)


async def record_link(
    db: Db, tenant_id: TenantId, channel_id: ChannelId, link: Link
) -> Channel | None:
    """Record the state of the link; None if the channel is gone."""
    row = await db.fetchrow(
        _SQL["record_link"],
        tenant_id,
        channel_id,
        *_link_columns(link),
    )
    return None if row is None else read_channel(row)


async def forget_token(
    db: Connection, tenant_id: TenantId, channel_id: ChannelId
) -> Channel | None:
    """Wipe a channel's token and pause it, in the caller's transaction."""
    row = await db.fetchrow(_SQL["forget_token"], tenant_id, channel_id)
    if row is None:
        return None
    await notify_channels(db, channel_id)
    return read_channel(row)


async def remove_channel(
    db: Connection, tenant_id: TenantId, channel_id: ChannelId
) -> Channel | None:
    """Remove a channel in the caller's transaction, and return what it was.

    Of a paused website with conversations the row stays, for them.

    Raises:
        ChannelInUseError: it has conversations, and is no paused website.
    """
    # The lock waits for a first message that is being recorded, and the next statement
    # then sees its conversation.
    channel = await lock_channel(db, tenant_id, channel_id)
    if channel is None:
        return None
    statement = "delete_channel"
    if await db.fetchval(_SQL["has_conversations"], channel_id):
        if channel.kind is not ChannelKind.WEBSITE or not channel.is_paused:
            raise ChannelInUseError
        statement = "retire_channel"
    await db.execute(_SQL[statement], tenant_id, channel_id)
    await notify_channels(db, channel_id)
    return channel


async def has_channels(db: Db, tenant_id: TenantId) -> bool:
    """Return whether the tenant has any channel."""
    return bool(await db.fetchval(_SQL["has_channels"], tenant_id))


async def fetch_channels_page(
    db: Db, tenant_id: TenantId, limit: int, offset: int
) -> tuple[int, tuple[Channel, ...]]:
    """Fetch a page of a tenant's channels and how many there are in all."""
    rows = await db.fetch(_SQL["fetch_channels_page"], tenant_id, limit, offset)
    if rows:
        return rows[0]["total"], tuple(read_channel(row) for row in rows)
    return await count_channels(db, tenant_id), ()


async def count_channels(db: Db, tenant_id: TenantId) -> int:
    """Count a tenant's channels."""
    return cast("int", await db.fetchval(_SQL["count_channels"], tenant_id))


async def fetch_tenant_channel(
    db: Db, tenant_id: TenantId, channel_id: ChannelId
) -> Channel | None:
    """Fetch a channel; None if it is not this tenant's."""
    row = await db.fetchrow(_SQL["fetch_tenant_channel"], tenant_id, channel_id)
    return None if row is None else read_channel(row)


async def fetch_channel(db: Db, channel_id: ChannelId) -> Channel | None:
    """Fetch a channel of any tenant, for webhooks and senders."""
    row = await db.fetchrow(_SQL["fetch_channel"], channel_id)
    return None if row is None else read_channel(row)


async def fetch_channel_by_account(
    db: Db, kind: ChannelKind, account_id: str
) -> Channel | None:
    """Fetch the proven channel of an account; None if nobody has proven it."""
    row = await db.fetchrow(_SQL["fetch_channel_by_account"], kind, account_id)
    return None if row is None else read_channel(row)


async def fetch_claim(
    db: Db, tenant_id: TenantId, kind: ChannelKind, account_id: str
) -> Channel | None:
    """Fetch the tenant's channel of an account, proven or not."""
    row = await db.fetchrow(_SQL["fetch_claim"], tenant_id, kind, account_id)
    return None if row is None else read_channel(row)


async def lock_channel(
    db: Connection, tenant_id: TenantId, channel_id: ChannelId
) -> Channel | None:
    """Fetch a channel and lock it until the transaction ends."""
    row = await db.fetchrow(_SQL["lock_channel"], tenant_id, channel_id)
    return None if row is None else read_channel(row)


async def notify_channels(db: Connection, channel_id: ChannelId) -> None:
    """Notify all processes, at commit, that the channel changed."""
    await db.execute(_SQL["notify_channels"], channel_id)


def decrypt_tokens(cipher: Cipher, channel: Channel) -> ChannelTokens:
    """Decrypt a channel's secrets. Raises SecretUnreadableError."""
    return ChannelTokens(
        access_token=_decrypt(cipher, channel.access_token),
        webhook_secret=_decrypt(cipher, channel.webhook_secret),
        visitor_secret=_decrypt(cipher, channel.visitor_secret),
    )


def _encrypt(cipher: Cipher, plain: str | None) -> bytes | None:
    return None if plain is None else cipher.encrypt(plain.encode())


def _decrypt(cipher: Cipher, encrypted: bytes | None) -> str | None:
    return None if encrypted is None else cipher.decrypt(encrypted).decode()


def name_conflict(error: asyncpg.UniqueViolationError) -> DuplicateRowError:
    """Tell the tenant's own second channel from the proof of somebody else."""
    if error.constraint_name == "channels_proof":
        return AccountElsewhereError()
    return DuplicateRowError(TAKEN)


def _link_columns(link: Link | None) -> tuple[str | None, str]:
    return (link.state, link.note) if link else (None, "")


def _unless_none(new: tuple[str, ...] | None, old: tuple[str, ...]) -> tuple[str, ...]:
    return old if new is None else new


def read_channel(row: asyncpg.Record) -> Channel:
    """Read a row of the table."""
    return Channel(
        id=ChannelId(row["id"]),
        tenant_id=TenantId(row["tenant_id"]),
        kind=ChannelKind(row["kind"]),
        name=row["name"],
        account_id=row["account_id"],
        is_paused=row["is_paused"],
        created_at=row["created_at"],
        access_token=row["access_token"],
        webhook_secret=row["webhook_secret"],
        link=row["connection"]
        and Link(LinkState(row["connection"]), row["connection_note"]),
        automatic_greetings=AutomaticGreetings(row["automatic_greetings"]),
        suggestions=Suggestions(tuple(row["suggestions"]), tuple(row["follow_ups"])),
        proven_at=row["proven_at"],
        visitor_secret=row["visitor_secret"],
    )
