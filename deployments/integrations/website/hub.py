"""Tells connected visitors what is new, with one reader for all of a process."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import asyncpg
import structlog

from persistence.chat import ChatMessage, fetch_chat_news, fetch_chat_writing
from persistence.database import Pool
from persistence.ids import ConversationId, slot_of

#: Per conversation and reading; what is left is read at once after it.
MAX_NEWS = 200
#: A visitor who can't take so many frames is gone or stuck.
MAX_FRAMES_WAITING = 512
#: Windows of one visitor; more are a mistake or an attack.
MAX_VISITS_PER_CONVERSATION = 8
#: An office or a mobile carrier's gateway is one address with many people behind it.
MAX_VISITS_PER_ADDRESS = 200
#: The replica takes 5,000 requests at once, and the shop's own people need some.
MAX_VISITS = 4_000
#: The database is away: ask again this often.
RECOVERY_PAUSE_S = 0.5

_DATABASE_AWAY = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)

log = structlog.get_logger("website_hub")


class TooManyVisitsError(Exception):
    """This conversation, this address or this process has too many open windows."""


@dataclass(frozen=True, slots=True)
class Writing:
    """Whether the AI is writing; sent when it changes."""

    is_active: bool


Frame: TypeAlias = ChatMessage | Writing


@dataclass(eq=False, slots=True)
class Visit:
    """One open window. `cursor` is the seq of the last message that it was given."""

    conversation_id: ConversationId
    cursor: int
    frames: asyncio.Queue[Frame] = field(
        default_factory=lambda: asyncio.Queue(MAX_FRAMES_WAITING)
    )
    #: Set when the window did not keep up; it comes back with its cursor.
    fell_behind: asyncio.Event = field(default_factory=asyncio.Event)
    is_told_of_writing: bool = False

    def offer(self, frame: Frame) -> None:
        """Queue a frame that is new to this window."""
        if self.fell_behind.is_set():
            # One frame is missing already; whatever follows it would hide the gap.
            return
        if isinstance(frame, Writing):
            if frame.is_active == self.is_told_of_writing:
                return
            self.is_told_of_writing = frame.is_active
        elif frame.seq <= self.cursor:
            return
        else:
            self.cursor = frame.seq
            if frame.type != "customer":
                # The page takes the dots away itself when an answer comes.
                self.is_told_of_writing = False
        try:
            self.frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.fell_behind.set()


class WebsiteHub:
    """Follows `pilito_messages`; give `notify` to a Listener for it.

    A visit is entered first and read for afterwards, by the one reader and from its own
    cursor: so nothing falls between its history and what is live, and nothing is told
    twice. A notification that was lost is made good by the next.
    """

    def __init__(self, pool: Pool, shards: int) -> None:
        self._pool = pool
        self._shards = shards
        #: Who is here; entered and left through `visit`.
        self.visits: defaultdict[ConversationId, set[Visit]] = defaultdict(set)
        self._visits_from: Counter[str | None] = Counter()
        self._stale: set[ConversationId] = set()
        self._wake = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start reading."""
        self._reader = asyncio.create_task(self._read_on(), name="website-hub")

    async def stop(self) -> None:
        """Stop reading; visits that are open get nothing more."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
            self._reader = None

    @contextlib.contextmanager
    def visit(
        self, conversation_id: ConversationId, cursor: int, address: str | None = None
    ) -> Iterator[Visit]:
        """Follow a conversation from its cursor on.

        `address` is the visitor's public one, None where there is none to tell.

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

    async def _read_on(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            # All that gathered while the last reading was under way is one reading.
            stale, self._stale = self._stale, set()
            try:
                await self._read(stale)
            except _DATABASE_AWAY as error:
                log.warning("website_hub_cannot_read", reason=repr(error))
                await asyncio.sleep(RECOVERY_PAUSE_S)
                self._refresh(stale)
            except Exception:
                # The visitors of this process all hang on this loop.
                log.exception("website_hub_failed")
                await asyncio.sleep(RECOVERY_PAUSE_S)

    async def _read(self, stale: Collection[ConversationId]) -> None:
        # Who enters while we read has a cursor that we did not ask for: the messages
        # before ours would be missing. Such a visit waits for the next reading.
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
        # Writing is asked first: a reply that lands between the two is then told of
        # after the dots, and takes them away.
        writing = await fetch_chat_writing(self._pool, cursors.keys())
        news = await fetch_chat_news(self._pool, cursors, MAX_NEWS)
        counts = Counter(message.conversation_id for message in news)
        for conversation_id in writing:
            _offer(visits[conversation_id], Writing(is_active=True))
        for message in news:
            _offer(visits[message.conversation_id], message)
        for conversation_id in cursors.keys() - writing:
            _offer(visits[conversation_id], Writing(is_active=False))
        self._refresh({found for found, count in counts.items() if count >= MAX_NEWS})


def _offer(visits: Collection[Visit], frame: Frame) -> None:
    for visit in visits:
        visit.offer(frame)
