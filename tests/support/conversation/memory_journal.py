"""A journal in memory, which refuses whatever PostgreSQL would refuse.

The simulation needs it to fail at a chosen moment; `tests/contract` holds it and the
real one to the same promises.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

import orjson

from actors.conversation.codec import decode_event, encode_event
from actors.conversation.events import Inbound
from actors.conversation.shard.batch_builder import apply_update
from persistence.erasure import Erasure
from persistence.errors import BatchRefusedError, ShardFencedError
from persistence.ids import (
    ConversationId,
    CustomerId,
    EventId,
    MessageId,
    RunId,
    SendId,
    derive_event_id,
)
from persistence.journal import (
    Batch,
    ConversationRow,
    CustomerRow,
    Epoch,
    EventRow,
    Known,
    MessageRow,
    SendRow,
    TimerRow,
)
from persistence.workflow_runs import RUNNING, Progress, StepRow
from tests.support.conversation.redaction import number_wordings, redact_event

Key = TypeVar("Key")
Row = TypeVar("Row", MessageRow, SendRow, TimerRow)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with the shard that recorded it."""

    row: EventRow
    shard: int


class MemoryJournal:
    """Tables as dicts; `commit_batch` checks everything first, then writes."""

    def __init__(self) -> None:
        self.shards: dict[int, Epoch] = {}
        self.customers: dict[CustomerId, CustomerRow] = {}
        self.conversations: dict[ConversationId, ConversationRow] = {}
        self.events: dict[EventId, StoredEvent] = {}
        self.messages: dict[MessageId, MessageRow] = {}
        self.sends: dict[SendId, SendRow] = {}
        self.timers: dict[tuple[ConversationId, str], TimerRow] = {}
        #: Called with each batch right after it was written.
        self.on_commit: Callable[[Epoch, Batch, int], None] = lambda *_: None
        #: Known events of erased conversations.
        self.forgotten: set[EventId] = set()
        #: The status of each run, and what its nodes did.
        self.runs: dict[RunId, str] = {}
        self.steps: dict[tuple[RunId, int], StepRow] = {}
        self._versions: set[tuple[ConversationId, int]] = set()
        self._positions: set[tuple[ConversationId, int]] = set()

    async def raise_epoch(self, shard: int) -> Epoch:
        """Take the shard's place."""
        return self.raise_epoch_now(shard)

    async def renew_epoch(self, epoch: Epoch) -> Epoch | None:
        """Refuse what the holder of `epoch` has under way."""
        return self.renew_epoch_now(epoch)

    async def fetch_timers(self, shard: int, shards: int) -> tuple[TimerRow, ...]:
        """Fetch the timers that the shard owns, the earliest first."""
        return self.fetch_timers_now(shard, shards)

    async def fetch_before_deciding(
        self, conversations: Sequence[ConversationId], events: Sequence[EventId]
    ) -> Known:
        """Fetch which of these conversations and events there are already."""
        return self.fetch_before_deciding_now(conversations, events)

    async def commit_batch(self, epoch: Epoch, batch: Batch, last_seq: int) -> None:
        """Record the batch as a whole, or nothing of it."""
        self.commit_batch_now(epoch, batch, last_seq)

    def raise_epoch_now(self, shard: int) -> Epoch:
        """Take the shard's place, above every number that any shard gave out."""
        held = self.shards.get(shard, Epoch(shard, 0, 0))
        seq = max((epoch.seq for epoch in self.shards.values()), default=0)
        self.shards[shard] = Epoch(shard, held.epoch + 1, seq)
        return self.shards[shard]

    def renew_epoch_now(self, epoch: Epoch) -> Epoch | None:
        """Take the number that a commit under way counts on from."""
        held = self.shards.get(epoch.shard)
        if held is None or held.epoch != epoch.epoch:
            return None
        self.shards[epoch.shard] = replace(held, seq=held.seq + 1)
        return self.shards[epoch.shard]

    def fetch_timers_now(self, shard: int, shards: int) -> tuple[TimerRow, ...]:
        """Return the timers of the shard's slots, the earliest first."""
        owned = [row for row in self.timers.values() if row.slot % shards == shard]
        return tuple(sorted(owned, key=lambda row: row.due_at))

    def fetch_before_deciding_now(
        self, conversations: Sequence[ConversationId], events: Sequence[EventId]
    ) -> Known:
        """Return the states and events that there are."""
        rows = self.conversations
        return Known(
            {one: rows[one].state for one in conversations if one in rows},
            {one: self.events[one].row.seq for one in events if one in self.events}
            | {one: 0 for one in events if one in self.forgotten},
        )

    def commit_batch_now(self, epoch: Epoch, batch: Batch, last_seq: int) -> None:
        """Check, then write."""
        self._check_fence(epoch, batch)
        self._check_keys(batch)
        self._check_texts(batch)
        self._write(epoch, batch, last_seq)
        self.on_commit(epoch, batch, last_seq)

    def _check_fence(self, epoch: Epoch, batch: Batch) -> None:
        held = self.shards.get(epoch.shard)
        if held != epoch:
            raise ShardFencedError
        for row in batch.conversations.values():
            before = self.conversations.get(row.id)
            if before is not None and before.version >= row.version:
                raise ShardFencedError

    def _check_keys(self, batch: Batch) -> None:
        known = self.conversations.keys() | batch.conversations.keys()
        for event in batch.events:
            place = (event.conversation_id, event.version)
            _refuse_if(event.id in self.events, "the event's id is taken")
            _refuse_if(place in self._versions, "the version is taken")
            _refuse_if(event.conversation_id not in known, "no such conversation")
        for message in batch.messages.values():
            place = (message.conversation_id, message.seq)
            _refuse_if(message.id in self.messages, "the message's id is taken")
            _refuse_if(place in self._positions, "the message's place is taken")
        messages = self.messages.keys() | batch.messages.keys()
        for send in batch.sends.values():
            _refuse_if(send.message_id not in messages, "a part of no message")
        ids: list[UUID] = [event.id for event in batch.events]
        _refuse_if(len(set(ids)) < len(ids), "an event's id stands twice")

    def _check_texts(self, batch: Batch) -> None:
        texts = [text for row in batch.messages.values() for text in (row.content,)]
        texts += [row.metadata for row in batch.messages.values()]
        texts += [event.payload for event in batch.events]
        texts += [row.state for row in batch.conversations.values()]
        texts += [row.reason for row in batch.updates.values()]
        texts += [row.error for row in batch.sends.values()]
        # PostgreSQL's text and jsonb can't hold NUL, in JSON not even escaped.
        broken = any("\x00" in text or "\\u0000" in text for text in texts)
        _refuse_if(broken, "a text holds NUL")

    def _write(self, epoch: Epoch, batch: Batch, last_seq: int) -> None:
        self.shards[epoch.shard] = replace(epoch, seq=last_seq)
        self._forget_combinations(batch)
        for customer in batch.customers.values():
            self._write_customer(customer)
        self.conversations.update(batch.conversations)
        for event in batch.events:
            self.events[event.id] = StoredEvent(event, epoch.shard)
            self._versions.add((event.conversation_id, event.version))
        self._forget(batch)
        for progress in batch.updates.values():
            if progress.id in self.messages:
                before = self.messages[progress.id]
                self.messages[progress.id] = apply_update(before, progress)
        for message in batch.messages.values():
            self.messages[message.id] = message
            self._positions.add((message.conversation_id, message.seq))
        for send in batch.sends.values():
            earlier = self.sends.get(send.id)
            if earlier is not None and send.platform_id is None:
                send = replace(send, platform_id=earlier.platform_id)
            self.sends[send.id] = send
        self._write_timers(batch)
        self._write_progress(batch.progress)
        self.forgotten.update(event.event_id for event in batch.forgotten)
        if batch.erasure is not None:
            self._erase(batch.erasure)

    def _write_progress(self, progress: Progress) -> None:
        for run in progress.runs.values():
            known = self.runs.get(run.run_id)
            # What has ended stays as it is; what runs has been opened before.
            if run.status != RUNNING and (known is None or known == RUNNING):
                self.runs[run.run_id] = run.status
        for step in progress.steps:
            self.steps.setdefault((step.run_id, step.step), step)

    def _forget_combinations(self, batch: Batch) -> None:
        """Remove combined texts by the words in them, before these are emptied."""
        for conversation, mid in batch.redacted:
            own = [
                row
                for row in self.messages.values()
                if row.conversation_id == conversation
            ]
            shares = [
                f"\n{row.content}\n"
                for row in own
                if row.platform_id == mid
                and row.message_type == "share"
                and row.content
            ]
            for row in own:
                combined = row.combined_content or ""
                is_reply = orjson.loads(row.metadata).get("reply_to_mid") == mid
                if is_reply or any(share in combined for share in shares):
                    self.messages[row.id] = replace(row, combined_content=None)

    def _write_timers(self, batch: Batch) -> None:
        for key, timer in batch.timers.items():
            if timer is None:
                self.timers.pop(key, None)
            else:
                self.timers[key] = timer

    def _erase(self, erasure: Erasure) -> None:
        """Remove all of a conversation but the ids of its events."""
        key = erasure.conversation_id
        gone = {
            event_id
            for event_id, stored in self.events.items()
            if stored.row.conversation_id == key
        }
        mids = [row.platform_id for row in self.messages.values()]
        mids += [row.platform_id for row in self.sends.values()]
        for mid in filter(None, mids):
            names = (mid, f"echo:{mid}", f"unsent:{mid}")
            gone.update(derive_event_id(key, name) for name in names)
        if not erasure.is_expired:
            self.forgotten |= gone | {erasure.id}
        for event_id in gone:
            self.events.pop(event_id, None)
        self.messages = _without(self.messages, key)
        self.sends = _without(self.sends, key)
        self.timers = _without(self.timers, key)
        self._versions = {place for place in self._versions if place[0] != key}
        self._positions = {place for place in self._positions if place[0] != key}
        self.conversations.pop(key, None)
        self.customers.pop(erasure.customer_id, None)

    def _forget(self, batch: Batch) -> None:
        for conversation, mid in batch.redacted:
            about = {
                event_id: (event, stored)
                for event_id, stored in self.events.items()
                if stored.row.conversation_id == conversation
                and isinstance(
                    event := decode_event(stored.row.kind, stored.row.payload), Inbound
                )
                and event.mid == mid
            }
            words = number_wordings(
                event
                for event, stored in about.values()
                if redact_event(event, stored.row.message_ids, "") != event
            )
            for event_id, (event, stored) in about.items():
                wording = words.get(getattr(event, "text", ""), "")
                redacted = redact_event(event, stored.row.message_ids, wording)
                row = replace(stored.row, payload=encode_event(redacted))
                self.events[event_id] = replace(stored, row=row)

    def _write_customer(self, customer: CustomerRow) -> None:
        known = self.customers.get(customer.id, customer)
        if known.first_name or known.last_name:
            customer = replace(known, username=customer.username)
        self.customers[customer.id] = customer


def _without(rows: dict[Key, Row], conversation: ConversationId) -> dict[Key, Row]:
    return {
        key: row for key, row in rows.items() if row.conversation_id != conversation
    }


def _refuse_if(is_broken: bool, reason: str) -> None:
    if is_broken:
        raise BatchRefusedError(reason)
