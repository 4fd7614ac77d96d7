"""Creates the demo shop: its account, channels and documents. Safe to repeat."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import uuid5

import orjson

from actors.clock import SystemClock
from config.settings import Settings, load_settings
from deployments.accounts import DEMO_PASSWORD, DEMO_USERNAME
from deployments.commands.demo.account import WEBSITE_KEY, open_account, switch_on
from deployments.monitoring.process import build_own_url
from deployments.wiring import count_tokens, get_cipher, get_dsn
from persistence import channels, documents
from persistence.channels import ChannelKind
from persistence.database import Connection, Pool, open_pool
from persistence.ids import DocumentId, TenantId
from persistence.knowledge import count_unembedded, fetch_changed_documents
from persistence.secrets import Cipher
from persistence.services import ServiceSpec, create_service, fetch_service_by_name
from retrieval.documents.chunking import chunk_document
from retrieval.index.knowledge import SourceType

DOCUMENTS = Path(__file__).parent / "documents.jsonl"
#: Some 150 passages take five seconds on two idle cores.
EMBEDDING_TIMEOUT_S = 30.0
#: Paused, so that nothing leaves the machine; the tokens open nothing.
PAUSED_ACCOUNTS = {
    ChannelKind.INSTAGRAM: "17840000000000000",
    ChannelKind.TELEGRAM: "1000000000",
}
#: The follow-up leans on the first.
SUGGESTIONS = channels.Suggestions(
    ("مانتو لینن سایه چنده؟", "دور سینه‌ی کت چکاد سایز ۵۲ چنده؟"),
    ("سایز ۴۴ هم داره؟",),
)
#: Told when somebody resumes the channel.
DEMO_LINK = channels.Link(channels.LinkState.PAUSED)


def seed(settings: Settings) -> Mapping[str, str]:
    """Create what is missing; return the addresses to show, by what they are."""
    asyncio.run(_seed())
    base = f"http://{settings.http_host}:{settings.http_port}"
    return {
        "Chat with the demo shop": f"{base}/chat/{WEBSITE_KEY}",
        "API": f"{base}/docs  (sign in as {DEMO_USERNAME} / {DEMO_PASSWORD})",
    }


async def _seed() -> None:
    settings = load_settings()
    pool = await open_pool(get_dsn(settings), max_size=1)
    try:
        async with pool.acquire() as connection, connection.transaction():
            cipher = get_cipher(settings)
            user = await open_account(connection, cipher)
            await switch_on(connection, SystemClock())
            await _ensure_channels(connection, cipher, user.tenant_id)
            await import_documents(connection, user.tenant_id, count_tokens)
            await _ensure_services(connection, settings, user.tenant_id)
        await _wait_until_embedded(pool, user.tenant_id)
    finally:
        await pool.close()


async def _wait_until_embedded(pool: Pool, tenant_id: TenantId) -> None:
    """Let the first question find all there is; later starts have nothing to wait for.

    A slow machine is not waited for: words find the documents meanwhile.
    """
    changed = asyncio.Event()

    def hear(*_: object) -> None:
        changed.set()

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(EMBEDDING_TIMEOUT_S), pool.acquire() as connection:
            await connection.add_listener("pilito_knowledge", hear)
            try:
                while await count_unembedded(connection, tenant_id):
                    await changed.wait()
                    changed.clear()
            finally:
                await connection.remove_listener("pilito_knowledge", hear)


async def _ensure_channels(db: Connection, cipher: Cipher, tenant_id: TenantId) -> None:
    wanted = [
        channels.NewChannel(
            ChannelKind.WEBSITE,
            "فروشگاه نمونه",
            WEBSITE_KEY,
            channels.ChannelTokens(None, None),
            suggestions=SUGGESTIONS,
        ),
        *(
            channels.NewChannel(
                kind,
                "demo",
                account,
                # Instagram signs by the app's secret, which no channel has.
                channels.ChannelTokens(
                    "demo", "demo" if kind is ChannelKind.TELEGRAM else None
                ),
                is_paused=True,
                link=DEMO_LINK,
                # Invented accounts, which nobody else can prove.
                is_proven=True,
            )
            for kind, account in PAUSED_ACCOUNTS.items()
        ),
    ]
    for new in wanted:
        old = await channels.fetch_claim(db, tenant_id, new.kind, new.account_id)
        if old is None:
            await channels.create_channel(db, cipher, tenant_id, new)
        elif old.suggestions != new.suggestions or old.proven_at is None:
            # A demo shop from before there were suggestions or proofs takes them, too.
            edit = channels.ChannelEdit(
                suggestions=new.suggestions.first,
                follow_ups=new.suggestions.follow_ups,
                is_proven=True,
            )
            await channels.edit_channel(db, cipher, old.tenant_id, old.id, edit)


async def _ensure_services(
    db: Connection, settings: Settings, tenant_id: TenantId
) -> None:
    """Have something watched that is there and can be taken away: ourselves."""
    own = build_own_url(settings)
    alive = {"test": "equals", "path": "$.status", "value": "ok"}
    for spec in (
        ServiceSpec("API", own, "/healthz", conditions=(alive,)),
        ServiceSpec("Chat page", own, f"/chat/{WEBSITE_KEY}", degraded_after_ms=1000),
    ):
        if await fetch_service_by_name(db, tenant_id, spec.name) is None:
            await create_service(db, get_cipher(settings), tenant_id, spec)


async def import_documents(
    db: Connection, tenant_id: TenantId, count: Callable[[str], int]
) -> int:
    """Import the demo's documents; unchanged ones are left. Returns how many were not.

    A document's id comes from its key, so that an edit of the file edits it here too.
    One that somebody deleted here stays deleted.
    """
    known_ones = await fetch_changed_documents(db, tenant_id, since=0)
    deleted = {known.id for known in known_ones if known.is_deleted}
    changed = 0
    for line in DOCUMENTS.read_text(encoding="utf-8").splitlines():
        row = orjson.loads(line)
        content = documents.DocumentContent(
            SourceType(row["source_type"]), row["title"], row["text"], row.get("url")
        )
        document_id = DocumentId(uuid5(tenant_id, row["key"]))
        known = await documents.fetch_document(db, tenant_id, document_id)
        if document_id in deleted or (known is not None and known.content == content):
            continue
        changed += 1
        parents = chunk_document(content.title, content.text, count)
        old = await documents.lock_document(db, tenant_id, document_id)
        if old is None:
            await documents.create_document(
                db, tenant_id, document_id, content, parents
            )
        else:
            await documents.replace_document(db, old, content, parents)
    return changed
