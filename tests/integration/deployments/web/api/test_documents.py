"""Writing knowledge over the API."""

import asyncio
import json
from uuid import uuid4

import asyncpg
import httpx
import pytest

from persistence.database import Pool
from persistence.users import User
from retrieval.index.knowledge import RetrievalFilter, SourceType
from tests.support.api import Api

PATH = "/api/knowledge/documents/"
JSON = {"Content-Type": "application/json"}
SHIPPING = {
    "source_type": "faq",
    "title": "ارسال",
    "text": "ارسال به تهران دو روز طول می‌کشد. هزینهٔ ارسال ۵۰ هزار تومان است.",
    "url": "https://shop.example/shipping",
}
PARAGRAPH = "این جمله دربارهٔ لباس است و چند واژه دارد. " * 12


async def add(client: httpx.AsyncClient, **changes: str) -> str:
    answer = await client.post(PATH, json={**SHIPPING, **changes})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def embed_all(pool: Pool) -> None:
    """Do the embedder's work: a vector that tells which chunk it was made for."""
    await pool.execute(
        "UPDATE chunks SET embedding = convert_to(id::text, 'UTF8'),"
        " embedding_model = 'm' WHERE embedding IS NULL"
    )


async def test_a_document_is_pending_until_it_is_embedded(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    answer = await client.post(PATH, json=SHIPPING)
    assert answer.status_code == 201
    created = answer.json()
    assert {key: created[key] for key in SHIPPING} == SHIPPING
    assert created["state"] == "pending"
    assert created["chunks"] == 1
    assert created["embedded_chunks"] == 0
    await embed_all(pool)
    shown = (await client.get(f"{PATH}{created['id']}/")).json()
    assert shown == {**created, "state": "indexed", "embedded_chunks": 1}


async def test_an_edit_keeps_the_embeddings_of_chunks_that_did_not_change(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    document_id = await add(client, text=f"{PARAGRAPH}\n\n{PARAGRAPH}")
    await embed_all(pool)
    before = await pool.fetch("SELECT text, embedding FROM chunks ORDER BY position")
    path = f"{PATH}{document_id}/"
    same = (await client.patch(path, json={"url": None})).json()
    assert same["url"] is None
    assert same["state"] == "indexed"
    after = await pool.fetch("SELECT text, embedding FROM chunks ORDER BY position")
    assert [row["text"] for row in after] == [row["text"] for row in before]
    assert {row["embedding"] for row in after} <= {row["embedding"] for row in before}
    renamed = (await client.patch(path, json={"title": "نام دیگر"})).json()
    assert renamed["state"] == "pending"
    assert renamed["embedded_chunks"] == 0


async def test_only_the_changed_part_of_a_long_document_is_embedded_anew(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    long = "\n\n".join(f"بند {number}. {PARAGRAPH}" for number in range(8))
    document_id = await add(client, text=long)
    await embed_all(pool)
    edited = await client.patch(
        f"{PATH}{document_id}/", json={"text": long.replace("بند 7.", "بند 9.")}
    )
    counts = edited.json()
    assert 0 < counts["embedded_chunks"] < counts["chunks"]


async def test_put_replaces_the_whole_document(client: httpx.AsyncClient) -> None:
    document_id = await add(client)
    new = {"source_type": "manual", "title": "نو", "text": "متن نو."}
    answer = await client.put(f"{PATH}{document_id}/", json=new)
    assert answer.status_code == 200
    assert answer.json()["url"] is None
    assert answer.json()["text"] == "متن نو."


async def test_a_deleted_document_is_gone_with_its_chunks(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    document_id = await add(client)
    path = f"{PATH}{document_id}/"
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await client.delete(path)).status_code == 404
    assert (await client.patch(path, json={"title": "x"})).status_code == 404
    assert (await client.get(PATH)).json()["count"] == 0
    assert await pool.fetchval("SELECT count(*) FROM chunks") == 0
    assert await pool.fetchval("SELECT is_deleted FROM documents")


async def test_every_change_takes_the_tenants_next_revision_and_is_announced(
    client: httpx.AsyncClient, pool: Pool, dsn: str, alice: User
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = await asyncpg.connect(dsn)
    await listener.add_listener(
        "pilito_knowledge", lambda *notice: heard.put_nowait(str(notice[3]))
    )
    document_id = await add(client)
    path = f"{PATH}{document_id}/"
    await client.patch(path, json={"title": "x"})
    await client.delete(path)
    assert await pool.fetchval("SELECT revision FROM documents") == 3
    assert await pool.fetchval("SELECT revision FROM knowledge_revisions") == 3
    assert [await heard.get() for _ in range(3)] == [str(alice.tenant_id)] * 3
    await listener.close()


async def test_changes_that_come_at_once_take_different_revisions(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    await asyncio.gather(*(add(client, title=f"t{number}") for number in range(6)))
    rows = await pool.fetch("SELECT revision FROM documents ORDER BY revision")
    assert [row["revision"] for row in rows] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "  "),
        ("title", "x" * 501),
        ("title", "a\x00b"),
        ("text", ""),
        ("text", "\n \t"),
        ("text", "x" * 200_001),
        ("text", "سلام\x00"),
        ("text", "\ud83d"),
        ("url", "javascript:alert(1)"),
        ("url", "https://x\x00y"),
        ("source_type", "rumour"),
        ("source_type", None),
    ],
)
async def test_a_wrong_field_is_named(
    client: httpx.AsyncClient, pool: Pool, field: str, value: str | None
) -> None:
    body = json.dumps({**SHIPPING, field: value})
    answer = await client.post(PATH, content=body, headers=JSON)
    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == [field]
    assert answer.json()["detail"].startswith(f"{field}: ")
    assert await pool.fetchval("SELECT count(*) FROM documents") == 0


async def test_the_longest_document_is_taken(client: httpx.AsyncClient) -> None:
    text = ("جملهٔ بلند و ساده. " * 12_000)[:199_990]
    assert len(text) > 199_000
    answer = await client.post(PATH, json={**SHIPPING, "text": text})
    assert answer.status_code == 201
    assert answer.json()["text"] == text
    assert answer.json()["chunks"] > 100


async def test_what_is_no_json_is_a_400_and_what_is_too_large_a_413(
    client: httpx.AsyncClient,
) -> None:
    for body in (b"{", b"\xff\xfe", b"", b'{"title": "\xff"}'):
        answer = await client.post(PATH, content=body, headers=JSON)
        assert answer.status_code in {400, 422}, body
        assert "detail" in answer.json()
    answer = await client.post(PATH, content=b"{", headers=JSON)
    assert answer.status_code == 400
    huge = b'{"text": "' + b"x" * (5 * 1024 * 1024) + b'"}'
    answer = await client.post(PATH, content=huge, headers=JSON)
    assert answer.status_code == 413
    assert "too large" in answer.json()["detail"]


async def test_a_list_is_filtered_by_source_and_words(
    client: httpx.AsyncClient,
) -> None:
    await add(client)
    await add(client, source_type="products", title="Blue Shirt 100%", text="Cotton.")
    for query, titles in (
        ("", ["Blue Shirt 100%", "ارسال"]),
        ("source_type=faq", ["ارسال"]),
        ("q=blue", ["Blue Shirt 100%"]),
        ("q=COTTON", ["Blue Shirt 100%"]),
        ("q=100%25", ["Blue Shirt 100%"]),
        ("q=_", []),
        ("q=", ["Blue Shirt 100%", "ارسال"]),
    ):
        page = (await client.get(f"{PATH}?{query}")).json()
        assert [row["title"] for row in page["results"]] == titles, query
        assert page["count"] == len(titles)
    assert (await client.get(f"{PATH}?q=%00")).status_code == 422
    assert (await client.get(f"{PATH}?source_type=x")).status_code == 422


async def test_x2_a_strangers_document_is_not_there(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    document_id = await add(client)
    for unknown in (document_id, uuid4()):
        path = f"{PATH}{unknown}/"
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.put(path, json=SHIPPING)).status_code == 404
        assert (await stranger.patch(path, json={"title": "x"})).status_code == 404
        assert (await stranger.delete(path)).status_code == 404
    assert (await stranger.get(PATH)).json()["count"] == 0
    assert (await client.get(f"{PATH}{document_id}/")).status_code == 200


async def test_a_search_asks_the_retriever_for_the_callers_tenant(
    client: httpx.AsyncClient, api: Api, alice: User
) -> None:
    answer = await client.get("/api/knowledge/search/", params={"query": "ارسال؟"})
    assert answer.status_code == 200
    assert answer.json()["retrieval_method"] == "none"
    assert set(answer.json()) >= {
        "primary_context",
        "secondary_context",
        "sources_used",
        "total_chunks",
        "performance",
    }
    assert api.retriever.queries == [(alice.tenant_id, "ارسال؟")]
    for query in ("", "  ", "x" * 2001, "a\x00"):
        wrong = await client.get("/api/knowledge/search/", params={"query": query})
        assert wrong.status_code == 422
        assert wrong.json()["detail"].startswith("query: ")


async def test_a_search_is_narrowed_by_source_tag_and_document(
    client: httpx.AsyncClient, api: Api
) -> None:
    one, other = uuid4(), uuid4()
    search = "/api/knowledge/search/?query=x"
    narrowed = f"&source=faq&source=website&tag=summer&document={one}&document={other}"
    for query, only in (
        ("", RetrievalFilter()),
        (
            narrowed,
            RetrievalFilter(
                (SourceType.FAQ, SourceType.WEBSITE), ("summer",), (one, other)
            ),
        ),
    ):
        assert (await client.get(search + query)).status_code == 200
        assert api.retriever.filters.pop() == only
    for wrong in ("source=x", "tag=", "document=x"):
        assert (await client.get(f"{search}&{wrong}")).status_code == 422


async def test_a_documents_tags_are_kept_once_each_and_only_changed_when_named(
    client: httpx.AsyncClient,
) -> None:
    made = await client.post(PATH, json=SHIPPING | {"tags": ["post", "fees", "post"]})
    assert made.json()["tags"] == ["post", "fees"]
    path = f"{PATH}{made.json()['id']}/"
    renamed = await client.patch(path, json={"title": "other"})
    assert renamed.json()["tags"] == ["post", "fees"]
    retagged = await client.patch(path, json={"tags": []})
    assert retagged.json()["tags"] == []
    refused = await client.patch(path, json={"tags": [" "]})
    assert refused.status_code == 422
