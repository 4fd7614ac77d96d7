"""The queries that run before every search and after every edit use an index."""

import pytest

from persistence.database import Pool
from persistence.ids import TenantId
from persistence.queries import load_queries
from persistence.tenants import create_tenant

FILL = """
WITH d AS (
    INSERT INTO documents (id, tenant_id, source_type, title, text, revision)
    SELECT gen_random_uuid(), $1, 'faq', 'title ' || n, 'text', n
    FROM generate_series(1, 2000) n RETURNING id),
p AS (
    INSERT INTO parents (id, tenant_id, document_id, position, text)
    SELECT gen_random_uuid(), $1, id, 0, 'text' FROM d RETURNING id, document_id)
INSERT INTO chunks
    (id, tenant_id, document_id, parent_id, position, text, embedding, embedding_model)
SELECT gen_random_uuid(), $1, document_id, id, 0, 'text', '\\x00', 'model' FROM p
"""
HOT = {
    "fetch_changed_documents": ("documents_revision", (1990,)),
    "count_unembedded": ("chunks_unembedded", ()),
}


@pytest.fixture
async def tenant(pool: Pool) -> TenantId:
    tenant = (await create_tenant(pool, "shop")).id
    await pool.execute(FILL, tenant)
    await pool.execute("ANALYZE")
    return tenant


@pytest.mark.parametrize("name", HOT)
async def test_a_hot_query_reads_no_whole_table(
    pool: Pool, tenant: TenantId, name: str
) -> None:
    statement = load_queries("knowledge")[name]
    index, values = HOT[name]
    arguments = (tenant, *values) if "tenant_id = $1" in statement else values

    rows = await pool.fetch(f"EXPLAIN {statement}", *arguments)

    plan = "\n".join(row[0] for row in rows)
    assert index in plan, plan
    assert "Seq Scan on chunks" not in plan, plan
