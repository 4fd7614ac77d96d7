"""What the API says of requests that nobody can do anything with."""

import httpx
import pytest

CHANNELS = "/api/channels/"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"name": "shop"}, "kind: Field required"),
        (
            {"kind": "fax", "name": "shop"},
            "kind: Input should be 'instagram', 'telegram', 'website'",
        ),
        ({"kind": "website"}, "name: Field required"),
        ({"kind": "website", "name": "a", "x": 1}, "x: Extra inputs are not permitted"),
    ],
)
async def test_a_field_is_named_as_it_was_sent_whatever_the_kind(
    client: httpx.AsyncClient, body: dict[str, object], detail: str
) -> None:
    answer = await client.post(CHANNELS, json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"] == detail


async def test_a_body_without_its_header_is_told_of_it(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post(CHANNELS, content=b'{"kind": "website", "name": "a"}')
    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["detail"]


async def test_a_body_that_is_not_utf_8_is_called_so(client: httpx.AsyncClient) -> None:
    body = '{"kind": "website", "name": "\xff"}'.encode("latin-1")
    answer = await client.post(CHANNELS, content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json() == {"detail": "body: this is not UTF-8"}


async def test_a_text_in_place_of_a_list_is_refused_as_json_calls_it(
    client: httpx.AsyncClient,
) -> None:
    document = {"source_type": "faq", "title": "a", "text": "b", "tags": "c"}
    answer = await client.post("/api/knowledge/documents/", json=document)
    assert answer.json()["detail"] == "tags: Input should be a valid list"
