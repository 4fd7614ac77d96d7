"""Live feed of the chat windows: a hub that reads for all, and each one's WebSocket."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import orjson
from fastapi import WebSocket

from actors.clock import Clock
from actors.conversation.client import Shards
from actors.tasks import cancel_and_wait, run_on_signal
from deployments.http import websocket
from deployments.http.addresses import ClientAddresses
from deployments.http.errors import TooManyRequestsError
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.channel_lookup import ChannelLookup
from deployments.integrations.errors import (
    DirectoryUnavailableError,
    InvalidFieldError,
    UnprovenVisitorError,
)
from deployments.integrations.website.visitors import (
    MAX_PROOF_CHARS,
    Proof,
    Visitors,
)
from deployments.integrations.website.webhook import check_visitor_id
from deployments.rate_limit import VisitorRateLimiter
from persistence import database, feed, messages
from persistence.errors import DATABASE_AWAY
from persistence.ids import ConversationId, derive_conversation_id, slot_of

#: The messages that a visitor without a cursor is sent.
NEWEST = 200

AUTHORS = {
    "customer": "customer",
    "AI": "assistant",
    "marketing": "assistant",
    "support": "operator",
}
_MAX_SEQ = 2**63 - 1
_TRY_LATER: tuple[type[Exception], ...] = (DirectoryUnavailableError, *DATABASE_AWAY)
#: Per conversation and reading; the next reading follows at once.
MAX_NEWS = 200
#: A window that leaves so many frames unsent is gone or stuck.
MAX_FRAMES_WAITING = 512
#: Windows of one visitor; more are a mistake or an attack.
MAX_VISITS_PER_CONVERSATION = 8
#: An office or a mobile carrier's gateway is one address with many people behind it.
MAX_VISITS_PER_ADDRESS = 200
#: The replica takes 5,000 requests at once, and the shop's own people need some.
MAX_VISITS = 4_000
#: The page offers it, and its token as the next one.
SUBPROTOCOL = "pilito.visitor"
UNPROVEN = websocket.Ending(4401, "token or visitor_hash")
#: The shop takes no messages now; the page asks again every minute.
PAUSED = websocket.Ending(4423, "paused")
#: Pause after a failed reading.
RETRY_PAUSE_S = 0.5


class TooManyVisitsError(Exception):
    """This conversation, this address or this process has too many open windows."""


@dataclass(frozen=True, slots=True)
class Writing:
    """Whether the AI is writing; sent when it changes."""

    is_active: bool


Frame: TypeAlias = messages.ChatMessage | Writing


@dataclass(eq=False, slots=True)
class Visit:
    """One open window. `cursor` is the seq of the last message that it was sent."""

    conversation_id: ConversationId
    cursor: int
    frames: asyncio.Queue[Frame] = field(
        default_factory=lambda: asyncio.Queue(MAX_FRAMES_WAITING)
    )
    #: Set when the window did not keep up; it reconnects with its cursor.
    fell_behind: asyncio.Event = field(default_factory=asyncio.Event)
    is_shown_writing: bool = False

    def offer(self, frame: Frame) -> None:
        """Queue a frame that is new to this window."""
        if self.fell_behind.is_set():
            # A frame is missing already: a later one would hide the gap.
            return
        if isinstance(frame, Writing):
            if frame.is_active == self.is_shown_writing:
                return
            self.is_shown_writing = frame.is_active
        elif frame.seq <= self.cursor:
            return
        else:
            self.cursor = frame.seq
            if frame.type != "customer":
                # The page hides the typing indicator itself when an answer comes.
                self.is_shown_writing = False
        try:
            self.frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.fell_behind.set()


class WebsiteHub:
    """Follows `pilito_messages`; give `notify` to a Listener for it.

    A visit is registered first and read for afterwards, by the one reader and from its
    own cursor: no message falls between its history and the live feed, and none is sent
    twice. The reading after the next notification makes up for a lost one.
    """

    def __init__(self, pool: database.Pool, shards: int) -> None:
        self._pool = pool
        self._shards = shards
        #: Open windows; entered and left through `visit`.
        self.visits: defaultdict[ConversationId, set[Visit]] = defaultdict(set)
        self._visits_from: Counter[str | None] = Counter()
        self._stale: set[ConversationId] = set()
        self._wake = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start reading."""
        self._reader = asyncio.create_task(
            run_on_signal(
                self._wake,
                self._read_stale,
                name="website-hub",
                retry_pause_s=RETRY_PAUSE_S,
            )
        )

    async def stop(self) -> None:
        """Stop reading; visits that are open get nothing more."""
        await cancel_and_wait(self._reader)

    @contextlib.contextmanager
    def visit(
        self, conversation_id: ConversationId, cursor: int, address: str | None = None
    ) -> Iterator[Visit]:
        """Follow a conversation from its cursor on.

        `address` is the visitor's public address, None if it is not known.

        Raises:
            TooManyVisitsError: it, the address or this process has too many windows.
        """
        if (
            len(self.visits.get(conversation_id, ())) >= MAX_VISITS_PER_CONVERSATION
            or (address and self._visits_from[address] >= MAX_VISITS_PER_ADDRESS)
            or self._visits_from.total() >= MAX_VISITS
        ):
            raise TooManyVisitsError
        visits = self.visits[conversation_id]
        visit = Visit(conversation_id, cursor)
        visits.add(visit)
        self._visits_from[address] += 1
        self._refresh({conversation_id})
        try:
            yield visit
        finally:
            self._visits_from[address] -= 1
            if not self._visits_from[address]:
                del self._visits_from[address]
            visits.discard(visit)
            if not visits and self.visits.get(conversation_id) is visits:
                del self.visits[conversation_id]

    def notify(self, payload: str) -> None:
        """Take a notification `{shard}:{first_seq}:{last_seq}`; empty: any shard."""
        if not self.visits:
            return
        shard, _, _ = payload.partition(":")
        if not shard.isdecimal():
            self._refresh(self.visits.keys())
            return
        self._refresh(
            {
                conversation_id
                for conversation_id in self.visits
                if slot_of(conversation_id) % self._shards == int(shard)
            }
        )

    def _refresh(self, conversations: Collection[ConversationId]) -> None:
        if conversations:
            self._stale.update(conversations)
            self._wake.set()

    async def _read_stale(self) -> None:
        # All that gathered while the last reading was under way is one reading.
        stale, self._stale = self._stale, set()
        try:
            await self._read(stale)
        except Exception:
            # Also after a bug: the visitors would wait for the next message otherwise.
            self._stale |= stale
            raise

    async def _read(self, stale: Collection[ConversationId]) -> None:
        # A visit that begins while we read may have an older cursor: messages would be
        # missing for it. It waits for the next reading.
        visits = {
            conversation_id: tuple(present)
            for conversation_id in stale
            if (present := self.visits.get(conversation_id))
        }
        if not visits:
            return
        cursors = {
            conversation_id: min(visit.cursor for visit in present)
            for conversation_id, present in visits.items()
        }
        # Writing is read first: a reply that is stored between the two readings is then
        # sent after the typing indicator, and removes it.
        writing = await messages.fetch_chat_writing(self._pool, cursors.keys())
        news = await messages.fetch_chat_news(self._pool, cursors, MAX_NEWS)
        counts = Counter(message.conversation_id for message in news)
        for conversation_id in writing:
            _offer(visits[conversation_id], Writing(is_active=True))
        for message in news:
            _offer(visits[message.conversation_id], message)
        for conversation_id in cursors.keys() - writing:
            _offer(visits[conversation_id], Writing(is_active=False))
        self._refresh({key for key, count in counts.items() if count >= MAX_NEWS})


@dataclass(frozen=True, slots=True)
class WebsiteDependencies:
    """What the chat page needs; the hub must be started and hear `pilito_messages`."""

    pool: database.Pool
    shards: Shards
    directory: ChannelDirectory
    hub: WebsiteHub
    rate_limiter: VisitorRateLimiter
    clock: Clock
    visitors: Visitors
    addresses: ClientAddresses = field(default_factory=ClientAddresses.build)
    #: Whether browsers reach the pages by https, also where a proxy decrypts it.
    is_https: bool = False
    lookup: ChannelLookup = field(init=False)

    def __post_init__(self) -> None:
        """Build what follows from the other parts."""
        lookup = ChannelLookup(self.directory, self.rate_limiter)
        object.__setattr__(self, "lookup", lookup)


async def follow(
    socket: WebSocket, parts: WebsiteDependencies, channel_key: str, visitor_id: str
) -> None:
    """Serve one WebSocket from its opening to its end."""
    # Accepted first: a page can read a close code, but not a refused handshake.
    await websocket.accept(socket, SUBPROTOCOL)
    try:
        ending = await _follow(socket, parts, channel_key, visitor_id)
    except (TooManyVisitsError, TooManyRequestsError):
        ending = websocket.TOO_MANY
    except _TRY_LATER:
        ending = websocket.TRY_AGAIN
    await websocket.close_socket(socket, ending)


async def _follow(
    socket: WebSocket, parts: WebsiteDependencies, channel_key: str, visitor_id: str
) -> websocket.Ending:
    since = socket.query_params.get("since", "")
    try:
        check_visitor_id(visitor_id)
    except InvalidFieldError:
        return websocket.invalid("visitor_id")
    # The length first: Python refuses to read numbers of thousands of digits.
    is_cursor = since.isdecimal() and len(since) < 20 and int(since) <= _MAX_SEQ
    if since and not is_cursor:
        return websocket.invalid("since")
    address = parts.addresses.read(socket)
    channel = await parts.lookup.find_website(channel_key, address)
    if channel is None:
        return websocket.unknown("channel")
    try:
        await parts.visitors.verify(channel, visitor_id, _read_proof(socket), address)
    except (InvalidFieldError, UnprovenVisitorError):
        return UNPROVEN
    if channel.is_paused:
        return PAUSED
    conversation_id = derive_conversation_id(channel.id, visitor_id)
    if since:
        cursor = int(since)
        end = await feed.fetch_feed_end(parts.pool)
        if cursor > max((seq for _, seq in end.positions), default=0):
            # A cursor from before a restore of the database would hide new messages.
            return websocket.invalid("since")
    else:
        cursor = await messages.fetch_chat_start(parts.pool, conversation_id, NEWEST)
    with parts.hub.visit(conversation_id, cursor, address) as visit:
        return await websocket.run_until_first(
            websocket.wait_for_leaving(socket),
            _send_frames(socket, visit),
            _wait_for_fall(visit),
        )


def _read_proof(socket: WebSocket) -> Proof:
    """Read the token of the subprotocols, or of the query; neither is logged."""
    query = socket.query_params
    token = websocket.read_token(socket, SUBPROTOCOL) or query.get("token", "")
    visitor_hash = query.get("visitor_hash", "")
    return Proof(token[:MAX_PROOF_CHARS], visitor_hash[:MAX_PROOF_CHARS])


def render_frame(frame: Frame) -> str:
    """Render a frame for the page."""
    if isinstance(frame, Writing):
        return orjson.dumps({"type": "typing", "is_active": frame.is_active}).decode()
    message = {
        "type": "message",
        "id": frame.id,
        "seq": frame.seq,
        "author": AUTHORS[frame.type],
        "content": frame.content,
        "created_at": frame.created_at,
    }
    return orjson.dumps(message).decode()


async def _wait_for_fall(visit: Visit) -> websocket.Ending:
    await visit.fell_behind.wait()
    return websocket.TOO_SLOW


async def _send_frames(socket: WebSocket, visit: Visit) -> websocket.Ending:
    while True:
        try:
            async with asyncio.timeout(websocket.HEARTBEAT.total_seconds()):
                frame = await visit.frames.get()
        except TimeoutError:
            text = websocket.PING
        else:
            text = render_frame(frame)
        if not await websocket.send_text(socket, text, websocket.SEND_TIMEOUT):
            return websocket.TOO_SLOW


def _offer(visits: Collection[Visit], frame: Frame) -> None:
    for visit in visits:
        visit.offer(frame)
