"""Live feed of a tenant's inbox: signals its open windows, and reads the changes."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from actors.tasks import cancel_and_wait, run_on_signal
from deployments.http.websocket import HEARTBEAT, SEND_TIMEOUT
from persistence import database, feed
from persistence.conversations import ConversationSummary, Reader, fetch_conversations
from persistence.ids import MessageId, TenantId, UserId
from persistence.messages import StoredMessage, fetch_messages

#: Changes in one frame; more come in the next.
MAX_CHANGES: Final = 50
#: WebSocket libraries take frames of a megabyte; a letter has up to four bytes.
MAX_FRAME_CHARS: Final = 100_000
#: Windows of one person and process; more are a mistake or an attack.
MAX_FOLLOWERS_PER_USER: Final = 20
#: The API must not wait for connections that the feed has taken.
MAX_READINGS: Final = 2
#: Pause after a failed query.
RETRY_PAUSE_S: Final = 0.5


class TooManyFollowersError(Exception):
    """This person has too many open windows."""


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """The durations of a live socket."""

    #: Commits within this time are signalled together.
    pace: timedelta = timedelta(milliseconds=50)
    heartbeat: timedelta = HEARTBEAT
    send_timeout: timedelta = SEND_TIMEOUT
    #: A person whose access was withdrawn keeps a window no longer than this.
    recheck: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes up to `cursor`: each message and conversation once, as it is now."""

    cursor: feed.FeedCursor
    messages: tuple[StoredMessage, ...]
    #: The messages that were created, and not only changed, since the last cursor.
    new_ids: frozenset[MessageId]
    conversations: tuple[ConversationSummary, ...]
    #: Whether more changes may be waiting.
    is_full: bool


@dataclass(eq=False, slots=True)
class Follower:
    """One open window."""

    user_id: UserId
    news: asyncio.Event = field(default_factory=asyncio.Event)
    #: The access of the person may have ended. Set at first: what was announced while
    #: the window was being opened was announced to nobody.
    access_changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Have the access checked once more, now that changes are heard."""
        self.access_changed.set()


class InboxFeed:
    """Follows `pilito_messages`; give `notify` to a Listener for it.

    `notify_access` belongs to `pilito_access`, which announces that a person's access
    has changed: their windows ask again whether they may stay open.

    A window is registered first and reads from its own cursor afterwards, at its own
    pace: nothing is queued for it, no change is lost between its history and the feed,
    and a notification only says that there may be something to read.
    """

    def __init__(self, pool: database.Pool, limits: LiveLimits | None = None) -> None:
        self._pool = pool
        self.limits = limits or LiveLimits()
        self._followers: defaultdict[TenantId, set[Follower]] = defaultdict(set)
        #: First number of each shard that no window was signalled for.
        self._first_seqs: dict[int, int] = {}
        self._has_missed = False
        self._wake = asyncio.Event()
        self._signaller: asyncio.Task[None] | None = None
        self._semaphore = asyncio.Semaphore(MAX_READINGS)
        self._readings: dict[
            tuple[TenantId, feed.FeedCursor], asyncio.Task[Changes | None]
        ] = {}

    async def start(self) -> None:
        """Start to signal the windows."""
        self._signaller = asyncio.create_task(
            run_on_signal(
                self._wake,
                self._signal_followers,
                name="inbox-feed",
                retry_pause_s=RETRY_PAUSE_S,
            )
        )

    async def stop(self) -> None:
        """Stop; windows that are open are not signalled any more."""
        await cancel_and_wait(self._signaller)

    @contextlib.contextmanager
    def follow(self, tenant_id: TenantId, user_id: UserId) -> Iterator[Follower]:
        """Register a window for a tenant's changes.

        Raises:
            TooManyFollowersError: the person has too many open windows.
        """
        followers = self._followers[tenant_id]
        theirs = sum(follower.user_id == user_id for follower in followers)
        if theirs >= MAX_FOLLOWERS_PER_USER:
            raise TooManyFollowersError
        follower = Follower(user_id)
        followers.add(follower)
        try:
            yield follower
        finally:
            followers.discard(follower)
            if not followers and self._followers.get(tenant_id) is followers:
                del self._followers[tenant_id]

    def notify_access(self, payload: str) -> None:
        """Take a notification that names a user; empty: anybody."""
        for followers in self._followers.values():
            for follower in followers:
                if not payload or payload == str(follower.user_id):
                    follower.access_changed.set()

    def notify(self, payload: str) -> None:
        """Take a notification `{shard}:{first_seq}:{last_seq}`; empty: anything."""
        if not self._followers:
            return
        shard, _, seqs = payload.partition(":")
        first, _, _ = seqs.partition(":")
        if shard.isdecimal() and first.isdecimal():
            known = self._first_seqs.get(int(shard), int(first))
            self._first_seqs[int(shard)] = min(known, int(first))
        else:
            self._has_missed = True
        self._wake.set()

    async def read(
        self, tenant_id: TenantId, cursor: feed.FeedCursor
    ) -> Changes | None:
        """Read what came after the cursor; None when nothing did.

        Windows at the same cursor share one reading until it begins: afterwards it may
        lack changes that a window was signalled for meanwhile.
        """
        key = (tenant_id, cursor)
        reading = self._readings.get(key)
        if reading is None:
            reading = asyncio.create_task(self._read(tenant_id, cursor))
            self._readings[key] = reading
        # A window that closes meanwhile must not take the reading from the others.
        return await asyncio.shield(reading)

    async def _read(
        self, tenant_id: TenantId, cursor: feed.FeedCursor
    ) -> Changes | None:
        async with self._semaphore:
            del self._readings[tenant_id, cursor]
            page = await feed.fetch_feed_page(
                self._pool, tenant_id, cursor, MAX_CHANGES
            )
            if not page:
                return None
            # Read after the page: so they are at least as new as the cursor.
            touched = {key for change in page for key in change.message_ids}
            messages = await fetch_messages(self._pool, tenant_id, touched)
            changes = _cut(page, messages)
            conversations = await fetch_conversations(
                self._pool,
                # One reading serves the windows of many people.
                Reader(tenant_id),
                {change.conversation_id for change in changes},
            )
        is_full = len(page) == MAX_CHANGES or len(changes) < len(page)
        return _build_changes(cursor, changes, messages, conversations, is_full=is_full)

    async def _signal_followers(self) -> None:
        # Commits within the pace are one query, not one each.
        await asyncio.sleep(self.limits.pace.total_seconds())
        self._wake.clear()
        first_seqs, self._first_seqs = self._first_seqs, {}
        has_missed, self._has_missed = self._has_missed, False
        try:
            tenants = await self._find_tenants(first_seqs, has_missed=has_missed)
        except Exception:
            # The notifications are used up: the next attempt signals everybody.
            self._has_missed = True
            raise
        for tenant_id in tenants:
            for follower in self._followers.get(tenant_id, ()):
                follower.news.set()

    async def _find_tenants(
        self, first_seqs: dict[int, int], *, has_missed: bool
    ) -> frozenset[TenantId]:
        followed = frozenset(self._followers)
        if has_missed or not followed:
            return followed
        return await feed.fetch_tenants_with_news(self._pool, followed, first_seqs)


def _cut(
    page: Sequence[feed.Change], messages: Sequence[StoredMessage]
) -> Sequence[feed.Change]:
    """Leave as many changes as fit into one frame, and at least the first."""
    chars = {
        message.id: len(message.content) + len(message.combined_content or "")
        for message in messages
    }
    total = 0
    for index, change in enumerate(page):
        # A message counts once, however often it changed.
        total += sum(chars.pop(key, 0) for key in change.message_ids)
        if index and total > MAX_FRAME_CHARS:
            return page[:index]
    return page


def _build_changes(
    cursor: feed.FeedCursor,
    changes: Sequence[feed.Change],
    messages: Sequence[StoredMessage],
    conversations: tuple[ConversationSummary, ...],
    *,
    is_full: bool,
) -> Changes:
    for change in changes:
        cursor = cursor.advance(change.shard, change.seq)
    touched = {key for change in changes for key in change.message_ids}
    # A message has the number of the event that made it.
    made = {(change.conversation_id, change.seq) for change in changes}
    changed = [message for message in messages if message.id in touched]
    return Changes(
        cursor=cursor,
        messages=tuple(sorted(changed, key=lambda message: message.seq)),
        new_ids=frozenset(
            message.id
            for message in changed
            if (message.conversation_id, message.seq) in made
        ),
        conversations=conversations,
        is_full=is_full,
    )
