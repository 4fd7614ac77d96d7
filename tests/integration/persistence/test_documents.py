"""Documents in the database: revisions, chunks, and embeddings that are kept."""

from uuid import uuid4

import pytest

from persistence.database import Pool
from persistence.documents import (
    Document,
    DocumentContent,
    create_document,
    delete_document,
    fetch_document,
    lock_document,
    replace_document,
)
from persistence.ids import DocumentId, TenantId
from persistence.tenants import create_tenant
from retrieval.index.knowledge import SourceType
from retrieval.text.chunking import Child, Parent

CONTENT = DocumentContent(SourceType.FAQ, "title", "text")


def parents(*texts: tuple[str, ...]) -> tuple[Parent, ...]:
    """Build parents of the given children's texts."""
    built: list[Parent] = []
    position = 0
    for number, children in enumerate(texts):
        made = tuple(Child(position + i, text) for i, text in enumerate(children))
        position += len(children)
        built.append(Parent(number, " ".join(children), made))
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


async def test_children_hang_on_their_parents(pool: Pool, tenant_id: TenantId) -> None:
    document_id = await add(pool, tenant_id, ("a", "b"), ("c",))
    rows = await pool.fetch(
        "SELECT p.text AS parent, c.text AS child FROM chunks c"
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
