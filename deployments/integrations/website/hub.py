"""Live feed of the chat windows: one reader serves all visitors of a process."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from actors.tasks import cancel_and_wait, run_on_signal
from persistence.chat import ChatMessage, fetch_chat_news, fetch_chat_writing
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY
from persistence.ids import ConversationId, slot_of

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
#: Pause after a failed reading.
RETRY_PAUSE_S = 0.5


class TooManyVisitsError(Exception):
    """This conversation, this address or this process has too many open windows."""


@dataclass(frozen=True, slots=True)
class Writing:
    """Whether the AI is writing; sent when it changes."""

    is_active: bool


Frame: TypeAlias = ChatMessage | Writing


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

    def __init__(self, pool: Pool, shards: int) -> None:
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
        except DATABASE_AWAY:
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
        writing = await fetch_chat_writing(self._pool, cursors.keys())
        news = await fetch_chat_news(self._pool, cursors, MAX_NEWS)
        counts = Counter(message.conversation_id for message in news)
        for conversation_id in writing:
            _offer(visits[conversation_id], Writing(is_active=True))
        for message in news:
            _offer(visits[message.conversation_id], message)
        for conversation_id in cursors.keys() - writing:
            _offer(visits[conversation_id], Writing(is_active=False))
        self._refresh({key for key, count in counts.items() if count >= MAX_NEWS})


def _offer(visits: Collection[Visit], frame: Frame) -> None:
    for visit in visits:
        visit.offer(frame)
