"""The timers of a shard in memory, and the events of those that fire."""

import heapq
from collections.abc import Mapping
from datetime import datetime, timedelta

from actors.conversation import events
from actors.conversation.effects import ClearTimer, SetTimer
from actors.conversation.events import Event
from actors.conversation.state import TimerKind
from persistence.ids import ConversationId, EventId

Key = tuple[ConversationId, TimerKind]
_EVENTS: Mapping[
    TimerKind,
    type[
        events.ReplyFellDue
        | events.SendFellDue
        | events.ShareTimedOut
        | events.WorkflowFellDue
        | events.SnoozeFellDue
    ],
] = {
    TimerKind.REPLY: events.ReplyFellDue,
    TimerKind.SEND: events.SendFellDue,
    TimerKind.SHARE: events.ShareTimedOut,
    TimerKind.WORKFLOW: events.WorkflowFellDue,
    TimerKind.SNOOZE: events.SnoozeFellDue,
}
#: A suspended machine's monotonic clock stands still, and a set clock jumps: timers are
#: compared with the wall clock at least this often.
MAX_SLEEP_S = 5.0
#: They fire again once the timers are loaded from their rows.
TIMER_EVENTS = tuple(_EVENTS.values())


class TimerWheel:
    """Timers by due time; a later `set` of a key replaces the earlier one."""

    def __init__(self) -> None:
        self._due: dict[Key, datetime] = {}
        self._heap: list[tuple[datetime, int, Key]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._due)

    def set(self, key: Key, due_at: datetime) -> None:
        """Arm the timer, replacing one with the same key."""
        self._due[key] = due_at
        # The count breaks ties: ids and kinds have no order that means anything.
        self._count += 1
        heapq.heappush(self._heap, (due_at, self._count, key))

    def clear(self, key: Key) -> None:
        """Disarm the timer, if it is armed."""
        self._due.pop(key, None)

    def apply(
        self, conversation: ConversationId, effect: SetTimer | ClearTimer
    ) -> None:
        """Arm or disarm a timer of a conversation, as its rules decided."""
        match effect:
            case SetTimer():
                self.set((conversation, effect.kind), effect.due_at)
            case ClearTimer():
                self.clear((conversation, effect.kind))

    def clear_all(self) -> None:
        """Remove all timers, to load them from the database again."""
        self._due.clear()
        self._heap.clear()

    def pop_due(self, now: datetime, limit: int) -> list[tuple[Key, datetime]]:
        """Take at most `limit` timers that are due at `now`, the earliest first."""
        due: list[tuple[Key, datetime]] = []
        while self._heap and len(due) < limit and self._heap[0][0] <= now:
            due_at, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == due_at:
                del self._due[key]
                due.append((key, due_at))
        return due

    def next_in(self, now: datetime) -> timedelta | None:
        """Return how long until the next timer; None when there is none."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return max(self._heap[0][0] - now, timedelta(0)) if self._heap else None

    def sleep_s(self, now: datetime) -> float | None:
        """Return how many seconds to sleep now; None when there is no timer."""
        pause = self.next_in(now)
        return None if pause is None else min(pause.total_seconds(), MAX_SLEEP_S)


def build_timer_event(
    event_id: EventId, key: Key, due_at: datetime, now: datetime
) -> Event:
    """Build the event of a timer that fires."""
    conversation, kind = key
    return _EVENTS[kind](
        id=event_id, conversation_id=conversation, at=now, due_at=due_at
    )
