"""Documents handed in as files, over the API."""

import httpx
import pytest

from deployments.web.api.uploads import MAX_UPLOAD_BYTES, PATH
from persistence.database import Pool
from tests.support.files import make_docx, make_pdf, make_xlsx

DOCUMENTS = "/api/knowledge/documents/"
Part = tuple[str, tuple[str, bytes]]


def parts(**files: bytes) -> list[Part]:
    return [
        ("files", (name.replace("__", "."), content)) for name, content in files.items()
    ]


async def upload(client: httpx.AsyncClient, **files: bytes) -> httpx.Response:
    return await client.post(PATH, files=parts(**files))


async def test_each_file_becomes_a_document_or_a_reason(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    answer = await client.post(
        PATH,
        files=parts(
            راهنما__docx=make_docx(),
            قیمت_گل__xlsx=make_xlsx([["گل", "قیمت"], ["رز", 30000]]),
            broken__pdf=b"%PDF-1.7 not really",
        ),
        data={"source_type": "products", "tags": ["گل", "گل"]},
    )
    assert answer.status_code == 201, answer.text
    word, sheet, broken = answer.json()["results"]
    assert word["document"]["title"] == "راهنما"
    assert word["document"]["chunks"] >= 1
    assert sheet["document"]["title"] == "قیمت گل"
    assert sheet["document"]["source_type"] == "products"
    assert sheet["document"]["tags"] == ["گل"]
    assert broken["document"] is None
    assert "password or damaged" in broken["error"]
    assert await pool.fetchval("SELECT count(*) FROM documents") == 2
    listed = (await client.get(DOCUMENTS)).json()
    assert listed["count"] == 2


async def test_a_document_shows_the_blocks_that_were_understood(
    client: httpx.AsyncClient,
) -> None:
    answer = await upload(client, guide__docx=make_docx())
    document = answer.json()["results"][0]["document"]
    blocks = (await client.get(f"{DOCUMENTS}{document['id']}/blocks/")).json()
    assert [block["kind"] for block in blocks] == [
        "heading",
        "heading",
        "paragraph",
        "list_item",
        "table_row",
    ]
    assert blocks[-1] == {
        "kind": "table_row",
        "text": "گل: رز، قیمت | شاخه: ۳۰٬۰۰۰",
        "headings": ["گل‌فروشی نرگس", "ارسال"],
        "question": "",
        "cells": [
            {"name": "گل", "value": "رز"},
            {"name": "قیمت | شاخه", "value": "۳۰٬۰۰۰"},
        ],
    }


async def test_no_markup_reaches_what_answers_quote(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    await upload(client, guide__docx=make_docx())
    page = "<html><body><main><h1>ارسال</h1><p>رایگان است.</p></main></body></html>"
    body = {"source_type": "website", "title": "ارسال", "text": page}
    await client.post(DOCUMENTS, json=body)
    chunks = [row["text"] for row in await pool.fetch("SELECT text FROM chunks")]
    assert len(chunks) == 4
    assert not any(mark in chunk for chunk in chunks for mark in ("#", "|-", "<", "\\"))


async def test_a_typed_document_shows_its_blocks_and_has_no_original(
    client: httpx.AsyncClient,
) -> None:
    body = {"source_type": "faq", "title": "ارسال", "text": "س: کی می‌رسد؟\nج: فردا."}
    created = (await client.post(DOCUMENTS, json=body)).json()
    blocks = (await client.get(f"{DOCUMENTS}{created['id']}/blocks/")).json()
    assert [(block["question"], block["text"]) for block in blocks] == [
        ("کی می‌رسد؟", "فردا.")
    ]
    original = await client.get(f"{DOCUMENTS}{created['id']}/original/")
    assert original.status_code == 404


async def test_the_original_is_kept_and_goes_with_its_document(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, pool: Pool
) -> None:
    content = make_pdf("Bouquets are sent within two days. Roses are not taken back.")
    answer = await upload(client, Terms__pdf=content)
    document_id = answer.json()["results"][0]["document"]["id"]
    path = f"{DOCUMENTS}{document_id}/original/"
    sent = await client.get(path)
    assert sent.content == content
    assert sent.headers["content-type"] == "application/octet-stream"
    assert sent.headers["content-disposition"].endswith("UTF-8''Terms.pdf")
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.get(f"{DOCUMENTS}{document_id}/blocks/")).status_code == 404
    assert (await client.delete(f"{DOCUMENTS}{document_id}/")).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert await pool.fetchval("SELECT count(*) FROM document_files") == 0


async def test_when_no_file_can_be_read_the_request_is_refused_with_the_reasons(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    answer = await upload(client, a__exe=b"MZ", b__docx=b"text")
    assert answer.status_code == 422
    detail = answer.json()["detail"]
    assert detail.startswith("files: a.exe: files of this kind are not read")
    assert "b.docx: the file's content is not that of a docx file" in detail
    assert await pool.fetchval("SELECT count(*) FROM documents") == 0


@pytest.mark.parametrize(
    ("name", "stored"),
    [("../../etc/passwd.txt", "passwd.txt"), ("C:\\shop\\لیست.txt", "لیست.txt")],
)
async def test_a_file_name_is_never_a_path(
    client: httpx.AsyncClient, name: str, stored: str
) -> None:
    answer = await client.post(PATH, files=[("files", (name, "متن".encode()))])
    assert answer.json()["results"][0]["file_name"] == stored


async def test_a_text_that_is_longer_than_a_document_may_be_is_refused(
    client: httpx.AsyncClient,
) -> None:
    answer = await upload(client, a__txt=("واژه " * 50_000).encode())
    assert answer.status_code == 422
    assert "at most 200000 characters" in answer.json()["detail"]


async def test_only_people_who_are_signed_in_may_send_large_bodies(
    client: httpx.AsyncClient, nobody: httpx.AsyncClient
) -> None:
    large = b"a" * (5 * 2**20)
    assert (await upload(nobody, a__txt=large)).status_code == 413
    assert (await upload(nobody, a__txt=b"a")).status_code == 401
    too_large = b"a" * (MAX_UPLOAD_BYTES + 1)
    assert (await upload(client, a__txt=too_large)).status_code == 413
