"""Dry runs over the database: a workflow in a tenant's past conversations."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from actors.conversation.rules.reply_window import STANDARD_WINDOW
from actors.workflow.definition import (
    BusinessHours,
    ConversationStatus,
    Definition,
    Platform,
    When,
)
from actors.workflow.dry_run import (
    BY_MESSAGE,
    MAX_EVENTS,
    Author,
    DryRun,
    PastConversation,
    PastMessage,
    Simulator,
)
from actors.workflow.run import Facts
from actors.workflow.triggers import ActiveWorkflow
from deployments.workflows.runs import write_value
from persistence.database import Pool
from persistence.ids import ConversationId
from persistence.tenants import Tenant
from persistence.workflow_past import (
    PastConversationRow,
    PastMessageRow,
    fetch_past_conversations,
    fetch_past_messages,
)
from retrieval.dialogue.splitting import asks

#: Without a conversation, those of so long are simulated, the newest ones.
SPAN = timedelta(days=7)
MAX_CONVERSATIONS = 500
#: Conversations whose messages are in memory at once.
CHUNK = 50
#: Some seconds of work.
MAX_EVENTS_IN_ALL = 50_000
NO_TRIGGER = "no message sets off its triggers, so a dry run begins nothing"
AUTHORS: Mapping[str, Author] = {
    "customer": Author.CUSTOMER,
    "support": Author.PERSON,
    "AI": Author.OURS,
    "marketing": Author.OURS,
}


@dataclass(frozen=True, slots=True)
class ConversationResult:
    """A past conversation, and what the workflow would have done in it."""

    id: ConversationId
    dry_run: DryRun


@dataclass(frozen=True, slots=True)
class DryRunReport:
    """Conversations in which the workflow would have begun, the newest first.

    `examined` counts all that were simulated; `is_cut` tells that there were more.
    """

    conversations: tuple[ConversationResult, ...]
    examined: int
    is_cut: bool
    note: str = ""

    @property
    def triggered(self) -> int:
        """How many would have been triggered."""
        return sum(one.dry_run.is_triggered for one in self.conversations)

    @property
    def ended_otherwise(self) -> int:
        """How many would have ended in another status."""
        return sum(one.dry_run.ends_otherwise for one in self.conversations)


@dataclass(frozen=True, slots=True)
class DryRuns:
    """Dry runs of one workflow of a tenant."""

    pool: Pool
    tenant: Tenant
    active: ActiveWorkflow
    hours: BusinessHours
    now: datetime

    async def run(
        self, conversation_id: ConversationId | None = None
    ) -> DryRunReport | None:
        """Simulate one conversation, or those of the last week.

        Returns:
            None where the tenant has no such conversation.
        """
        since = None if conversation_id is not None else self.now - SPAN
        rows = await fetch_past_conversations(
            self.pool,
            self.tenant.id,
            conversation_id=conversation_id,
            since=since,
            limit=MAX_CONVERSATIONS + 1,
        )
        if conversation_id is not None and not rows:
            return None
        is_cut = len(rows) > MAX_CONVERSATIONS
        rows, results = rows[:MAX_CONVERSATIONS], list[ConversationResult]()
        simulator, left, examined = Simulator(self.active, asks), MAX_EVENTS_IN_ALL, 0
        for begin in range(0, len(rows), CHUNK):
            chunk = rows[begin : begin + CHUNK]
            ids = [row.id for row in chunk]
            messages = await fetch_past_messages(self.pool, self.tenant.id, ids, since)
            # A second of arithmetic must not hold up the process's other requests.
            found = await asyncio.to_thread(
                self._simulate, simulator, chunk, messages, left
            )
            results += found
            examined += len(found)
            left -= sum(one.dry_run.events for one in found)
            if left <= 0:
                is_cut = is_cut or examined < len(rows)
                break
        begun = tuple(one for one in results if one.dry_run.paths)
        return DryRunReport(begun, examined, is_cut, _find_note(self.active.definition))

    def _simulate(
        self,
        simulator: Simulator,
        rows: Sequence[PastConversationRow],
        messages: Mapping[ConversationId, Sequence[PastMessageRow]],
        left: int,
    ) -> list[ConversationResult]:
        results: list[ConversationResult] = []
        for row in rows:
            if left <= 0:
                break
            past = self._build_past(row, messages.get(row.id, ()))
            dry_run = simulator.simulate(past, max_events=min(MAX_EVENTS, left))
            left -= dry_run.events
            results.append(ConversationResult(row.id, dry_run))
        return results

    def _build_past(
        self, row: PastConversationRow, messages: Sequence[PastMessageRow]
    ) -> PastConversation:
        platform = Platform(row.source)
        return PastConversation(
            platform=platform,
            status=ConversationStatus(row.status),
            messages=tuple(map(_build_message, messages)),
            until=self.now,
            facts=self._build_facts(row),
            is_whole=bool(messages) and messages[0].is_first,
            window=STANDARD_WINDOW if platform is Platform.INSTAGRAM else None,
        )

    def _build_facts(self, row: PastConversationRow) -> Facts:
        return Facts(
            first_name=row.first_name,
            last_name=row.last_name,
            username=row.username,
            platform_id=row.platform_id,
            tags=row.tags,
            attributes={
                key: write_value(value) for key, value in row.attributes.items()
            },
            tenant_name=self.tenant.name,
            language=self.tenant.language,
            hours=self.hours,
        )


def _build_message(row: PastMessageRow) -> PastMessage:
    return PastMessage(
        text=row.content,
        at=row.created_at,
        author=AUTHORS[row.type],
        is_text=row.message_type == "text",
        is_share=row.message_type == "share",
    )


def _find_note(definition: Definition) -> str:
    kinds = {node.trigger.kind for node in definition.nodes if isinstance(node, When)}
    return "" if kinds & BY_MESSAGE else NO_TRIGGER
