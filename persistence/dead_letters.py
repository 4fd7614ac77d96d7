"""Events of webhooks that can never be stored, kept apart for a person to look at."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import cast

from persistence.database import Db
from persistence.ids import ChannelId, ConversationId, EventId, TenantId
from persistence.paging import Found, Window, fetch_window
from persistence.queries import build_row, load_queries

_SQL = load_queries("dead_letters")

#: They hold customers' words: nobody looks at them later.
KEPT_FOR = timedelta(days=30)
#: Of one tenant; a bug that refuses more of them is known by these.
MAX_LETTERS = 1000
#: Rows of one step of pruning.
PRUNE_ROWS = 5000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that can never be stored; `payload` is JSON text."""

    id: EventId
    channel_id: ChannelId
    conversation_id: ConversationId
    kind: str
    payload: str
    #: The class of the error; the log has its words.
    error: str
    created_at: datetime


async def insert_dead_letter(db: Db, tenant_id: TenantId, letter: DeadLetter) -> None:
    """Keep an event, once however often it is delivered."""
    await db.execute(
        _SQL["insert_dead_letter"],
        letter.id,
        tenant_id,
        letter.channel_id,
        letter.conversation_id,
        letter.kind,
        letter.payload,
        letter.error,
        letter.created_at,
        KEPT_FOR,
        MAX_LETTERS,
    )


async def prune_dead_letters(db: Db, before: datetime) -> int:
    """Delete a step of letters that are older; return how many."""
    status = await db.execute(_SQL["prune_dead_letters"], before, PRUNE_ROWS)
    return int(status.split()[-1])


async def fetch_dead_letters_page(
    db: Db, tenant_id: TenantId, window: Window
) -> Found[DeadLetter]:
    """Fetch a page of a tenant's letters, the newest first."""
    return await fetch_window(
        db,
        (_SQL["fetch_dead_letters_page"], _SQL["count_dead_letters"]),
        (tenant_id,),
        window,
        ("created_at", "id"),
        partial(build_row, DeadLetter),
    )


async def count_recent_dead_letters(db: Db, since: datetime) -> int:
    """Count the letters of all tenants since an instant, up to 1,000."""
    return cast("int", await db.fetchval(_SQL["count_recent_dead_letters"], since))
