"""Canned answers, from the first to the last that fits."""

import asyncio

import httpx
import pytest

from persistence.users import User
from tests.support.api import Api
from tests.support.conversation.tables import count_rows

PATH = "/api/canned-answers/"
BODY = "سلام {customer_name}، {operator_name} از {shop_name} هستم."


def answer(shortcut: str = "سلام", body: str = BODY) -> dict[str, object]:
    return {"shortcut": shortcut, "title": "خوش‌آمد", "body": body}


async def test_operators_write_change_and_delete_what_all_of_a_business_use(
    client: httpx.AsyncClient, colleague: httpx.AsyncClient
) -> None:
    created = await colleague.post(PATH, json=answer())
    assert created.status_code == 201
    shown = created.json()
    assert shown.keys() == {"id", "shortcut", "title", "body", "updated_at"}
    path = f"{PATH}{shown['id']}/"
    assert (await client.get(path)).json() == shown
    patched = (await client.patch(path, json={"title": "دیگر"})).json()
    assert patched == shown | {
        "title": "دیگر",
        "updated_at": patched["updated_at"],
    }
    for shortcut in ("بدرود", "abc", "ارسال"):
        await client.post(PATH, json=answer(shortcut))
    page = (await colleague.get(PATH)).json()
    assert page["count"] == 4
    listed = [row["shortcut"] for row in page["results"]]
    assert listed == ["abc", "ارسال", "بدرود", "سلام"]
    assert (await colleague.delete(path)).status_code == 204
    for gone in (await client.get(path), await client.delete(path)):
        assert gone.status_code == 404
    assert (await client.patch(path, json={})).status_code == 404


@pytest.mark.parametrize("twin", ["قیمت1", "قيمت۱", "قیمت\u200c۱", "قیمَت۱!"])
async def test_a_shortcut_that_is_spelled_alike_is_taken(
    client: httpx.AsyncClient, twin: str
) -> None:
    await client.post(PATH, json=answer("قیمت۱"))
    other = (await client.post(PATH, json=answer("other"))).json()
    refused = await client.post(PATH, json=answer(twin))
    assert refused.status_code == 409
    assert refused.json()["detail"].startswith("shortcut: ")
    path = f"{PATH}{other['id']}/"
    assert (await client.patch(path, json={"shortcut": twin})).status_code == 409
    again = await client.patch(path, json={"shortcut": "OTHER"})
    assert again.json()["shortcut"] == "OTHER"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shortcut", ""),
        ("shortcut", "a b"),
        ("shortcut", "/a"),
        ("shortcut", "!!"),
        ("shortcut", "x" * 33),
        ("title", ""),
        ("title", "a\nb"),
        ("body", " "),
        ("body", "a\x00"),
        ("body", "سلام {name}"),
        ("body", "{customer.first_name}"),
        ("body", "{{workflow}}"),
        ("body", "{}"),
        ("body", "x" * 10_001),
    ],
)
async def test_what_is_not_valid_is_named(
    client: httpx.AsyncClient, field: str, value: str
) -> None:
    refused = await client.post(PATH, json=answer() | {field: value})
    assert refused.status_code == 422
    assert refused.json()["fields"].keys() == {field}
    kept = (await client.post(PATH, json=answer())).json()
    path = f"{PATH}{kept['id']}/"
    assert (await client.patch(path, json={field: value})).status_code == 422


async def test_braces_that_name_nothing_are_text(client: httpx.AsyncClient) -> None:
    bodies = ("a :{", "}bc{", "{customer_name}{shop_name} :-{")
    for number, body in enumerate(bodies):
        created = await client.post(PATH, json=answer(f"a{number}", body))
        assert created.json()["body"] == body


async def test_a_business_has_five_hundred_and_no_more_even_at_once(
    client: httpx.AsyncClient, api: Api, alice: User
) -> None:
    await api.pool.execute(
        "INSERT INTO canned_answers SELECT gen_random_uuid(), $1, 'n' || n, 'n' || n,"
        " 't', 'b', now() FROM generate_series(1, 499) n",
        alice.tenant_id,
    )
    made = await asyncio.gather(
        *(client.post(PATH, json=answer(shortcut)) for shortcut in "abc")
    )
    assert sorted(one.status_code for one in made) == [201, 409, 409]
    assert await count_rows(api.pool, "canned_answers") == 500


async def test_another_business_has_its_own(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    path = f"{PATH}{(await client.post(PATH, json=answer())).json()['id']}/"
    assert (await stranger.get(PATH)).json()["count"] == 0
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.patch(path, json={"title": "x"})).status_code == 404
    assert (await stranger.delete(path)).status_code == 404
    assert (await stranger.post(PATH, json=answer())).status_code == 201
