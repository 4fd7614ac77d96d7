"""Documents in the database: revisions, chunks, and embeddings that are kept."""

from uuid import uuid4

import pytest

from persistence.database import Pool
from persistence.documents import (
    Document,
    DocumentContent,
    claim_outdated_document,
    create_document,
    delete_document,
    fetch_document,
    lock_document,
    record_reading,
    replace_document,
)
from persistence.ids import DocumentId, TenantId
from persistence.knowledge import fetch_chunks
from persistence.tenants import create_tenant
from retrieval.documents.blocks import Block, BlockKind, Cell
from retrieval.documents.chunking import READER_VERSION, Chunk, Parent
from retrieval.index.knowledge import SourceType

CONTENT = DocumentContent(SourceType.FAQ, "title", "text")


def parents(*texts: tuple[str, ...]) -> tuple[Parent, ...]:
    """Build parents of chunks with the given texts."""
    built: list[Parent] = []
    position = 0
    for number, chunks in enumerate(texts):
        made = tuple(
            Chunk(position + i, Block(BlockKind.PARAGRAPH, text))
            for i, text in enumerate(chunks)
        )
        position += len(chunks)
        built.append(Parent(number, " ".join(chunks), made))
    return tuple(built)


@pytest.fixture
async def tenant_id(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


async def add(pool: Pool, tenant_id: TenantId, *texts: tuple[str, ...]) -> DocumentId:
    document_id = DocumentId(uuid4())
    async with pool.acquire() as connection, connection.transaction():
        await create_document(
            connection, tenant_id, document_id, CONTENT, parents(*texts)
        )
    return document_id


async def fetch(pool: Pool, tenant_id: TenantId, document_id: DocumentId) -> Document:
    document = await fetch_document(pool, tenant_id, document_id)
    assert document is not None
    return document


async def test_chunks_hang_on_their_parents(pool: Pool, tenant_id: TenantId) -> None:
    document_id = await add(pool, tenant_id, ("a", "b"), ("c",))
    rows = await pool.fetch(
        "SELECT p.text AS parent, c.text AS chunk FROM chunks c"
        " JOIN parents p ON p.id = c.parent_id WHERE c.document_id = $1"
        " ORDER BY c.position",
        document_id,
    )
    assert [tuple(row) for row in rows] == [("a b", "a"), ("a b", "b"), ("c", "c")]


async def test_each_kept_chunk_keeps_its_own_embedding(
    pool: Pool, tenant_id: TenantId
) -> None:
    document_id = await add(pool, tenant_id, ("a", "b"), ("c",))
    await pool.execute(
        "UPDATE chunks SET embedding = convert_to(text, 'UTF8'), embedding_model = 'm'"
        " WHERE text <> 'c'"
    )
    ids = {row["id"] for row in await pool.fetch("SELECT id FROM chunks")}
    async with pool.acquire() as connection, connection.transaction():
        old = await lock_document(connection, tenant_id, document_id)
        assert old is not None
        await replace_document(connection, old, CONTENT, parents(("b", "x"), ("a",)))
    rows = await pool.fetch(
        "SELECT id, text, embedding, embedding_model FROM chunks ORDER BY position"
    )
    assert [tuple(row)[1:] for row in rows] == [
        ("b", b"b", "m"),
        ("x", None, None),
        ("a", b"a", "m"),
    ]
    assert not ids & {row["id"] for row in rows}
    document = await fetch(pool, tenant_id, document_id)
    assert (document.chunks, document.embedded_chunks) == (3, 2)
    assert document.revision == 2


async def test_a_chunk_keeps_its_block_and_counts_as_new_as_its_last_edit(
    pool: Pool, tenant_id: TenantId
) -> None:
    blocks = (
        Block(BlockKind.PAIR, "بله.", ("ارسال", "شب"), "شب هم؟"),
        Block(
            BlockKind.TABLE_ROW,
            "سایز: ۵۸، کمر: ۱۲۰",
            cells=(Cell("سایز", "۵۸"), Cell("کمر", "۱۲۰")),
        ),
    )
    chunks = tuple(Chunk(at, block) for at, block in enumerate(blocks))
    document_id = DocumentId(uuid4())
    async with pool.acquire() as connection, connection.transaction():
        await create_document(
            connection, tenant_id, document_id, CONTENT, (Parent(0, "both", chunks),)
        )
    # A stored vector is a new revision, but no edit.
    await pool.execute("UPDATE documents SET revision = 7")
    stored = await fetch_chunks(pool, tenant_id, [document_id], "m")
    assert tuple(chunk.block for chunk in stored) == blocks
    assert [chunk.revision for chunk in stored] == [1, 1]


async def test_a_chunk_of_before_blocks_is_read_without_one(
    pool: Pool, tenant_id: TenantId
) -> None:
    document_id = await add(pool, tenant_id, ("a",))
    await pool.execute("UPDATE chunks SET block = NULL")
    await pool.execute("UPDATE documents SET content_revision = NULL")
    (chunk,) = await fetch_chunks(pool, tenant_id, [document_id], "m")
    assert (chunk.block, chunk.revision) == (None, 1)


async def test_only_what_an_earlier_reader_read_is_claimed_and_is_no_newer_for_it(
    pool: Pool, tenant_id: TenantId
) -> None:
    old, new = (
        await add(pool, tenant_id, ("a", "b")),
        await add(pool, tenant_id, ("c",)),
    )
    await pool.execute("UPDATE documents SET reader_version = 0 WHERE id = $1", old)
    await pool.execute(
        "UPDATE chunks SET embedding = convert_to(text, 'UTF8'), embedding_model = 'm'"
    )
    before = await fetch(pool, tenant_id, old)
    async with pool.acquire() as connection, connection.transaction():
        claimed = await claim_outdated_document(connection)
        assert claimed is not None
        assert claimed.id == old
        await record_reading(connection, claimed, parents(("b", "x")))
        assert await claim_outdated_document(connection) is None
    rows = await pool.fetch(
        "SELECT text, embedding FROM chunks WHERE document_id = $1 ORDER BY position",
        old,
    )
    assert [tuple(row) for row in rows] == [("b", b"b"), ("x", None)]
    after = await fetch(pool, tenant_id, old)
    assert after.updated_at == before.updated_at
    assert after.revision == 3
    newest = await fetch_chunks(pool, tenant_id, [old, new], "another")
    assert {chunk.text: chunk.revision for chunk in newest} == {"b": 1, "x": 1, "c": 2}
    versions = await pool.fetch("SELECT DISTINCT reader_version FROM documents")
    assert [row[0] for row in versions] == [READER_VERSION]


async def test_two_replicas_never_read_one_document_again_at_once(
    pool: Pool, tenant_id: TenantId
) -> None:
    await add(pool, tenant_id, ("a",))
    await pool.execute("UPDATE documents SET reader_version = 0")
    async with pool.acquire() as one, one.transaction():
        assert await claim_outdated_document(one) is not None
        async with pool.acquire() as other, other.transaction():
            assert await claim_outdated_document(other) is None


async def test_tenants_count_their_revisions_apart(
    pool: Pool, tenant_id: TenantId
) -> None:
    other = (await create_tenant(pool, "other")).id
    await add(pool, tenant_id, ("a",))
    second = await fetch(pool, tenant_id, await add(pool, tenant_id, ("a",)))
    first = await fetch(pool, other, await add(pool, other, ("a",)))
    assert (second.revision, first.revision) == (2, 1)


async def test_a_deleted_document_leaves_a_revision_and_no_words(
    pool: Pool, tenant_id: TenantId
) -> None:
    document_id = await add(pool, tenant_id, ("a",))
    async with pool.acquire() as connection, connection.transaction():
        assert not await delete_document(connection, TenantId(uuid4()), document_id)
        assert await delete_document(connection, tenant_id, document_id)
        assert not await delete_document(connection, tenant_id, document_id)
    assert await fetch_document(pool, tenant_id, document_id) is None
    row = await pool.fetchrow("SELECT revision, is_deleted, text FROM documents")
    assert row is not None
    assert tuple(row) == (2, True, "")
    assert await pool.fetchval("SELECT count(*) FROM parents") == 0
