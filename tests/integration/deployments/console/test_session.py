"""The session of the console: who gets in, and whose forms are taken."""

from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from deployments import accounts
from persistence.channels import Channel
from persistence.database import Pool
from persistence.users import User, set_user_active
from tests.integration.deployments.console.conftest import PASSWORD, Visitor
from tests.support.api import Api, connect, write_as_customer

ACTIONS = (
    *("answer", "note", "redirect", "status", "assign", "snooze", "read", "unread"),
    f"retry/{uuid4()}",
)


async def test_the_bare_address_leads_to_the_console(stranger: Visitor) -> None:
    assert (await stranger.get("/")).headers["location"] == "/console/"
    answer = await stranger.get("/console/")
    assert answer.headers["location"] == "/console/sign-in?next=/console/"


async def test_a_stranger_signs_in_and_comes_to_the_page_that_was_wanted(
    stranger: Visitor, sara: User
) -> None:
    answer = await stranger.get("/console/inbox/mine?after=x")
    assert answer.status_code == 303
    form = await stranger.get(answer.headers["location"])
    assert 'value="/console/inbox/mine?after=x"' in form.text
    answer = await stranger.sign_in(sara.username, "/console/inbox/mine?after=x")
    assert answer.headers["location"] == "/console/inbox/mine?after=x"


@pytest.mark.parametrize(
    "there",
    [
        "https://evil.example/",
        "//evil.example/console/",
        "/console/\\evil",
        "javascript:alert(1)",
        "/api/me/",
    ],
)
async def test_nobody_is_led_elsewhere(
    stranger: Visitor, sara: User, there: str
) -> None:
    answer = await stranger.sign_in(sara.username, there)
    assert answer.headers["location"] == "/console/"


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    stranger: Visitor, sara: User
) -> None:
    cookie = (await stranger.sign_in(sara.username)).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/console" in cookie
    assert "secure" not in cookie


async def test_behind_https_the_cookie_stays_there(api: Api, sara: User) -> None:
    api.public_url = "https://shop.example"
    async with connect(api.build()) as client:
        cookie = (await Visitor(client).sign_in(sara.username)).headers["set-cookie"]
    assert "secure" in cookie.lower()


async def test_a_wrong_password_says_so_and_keeps_the_name(
    stranger: Visitor, sara: User
) -> None:
    fields = {"username": sara.username, "password": "another password"}
    answer = await stranger.client.post("/console/sign-in", data=fields)
    assert answer.status_code == 401
    assert "نام کاربری یا گذرواژه درست نیست" in answer.text
    assert f'value="{sara.username}"' in answer.text
    assert "another password" not in answer.text
    assert "set-cookie" not in answer.headers


async def test_a_form_of_another_site_is_refused(
    visitor: Visitor, api: Api, channel: Channel
) -> None:
    conversation = await write_as_customer(api, channel, "c1", "سلام")
    path, token = f"/console/inbox/mine/{conversation}/status", await visitor.csrf()
    fields = {"status": "closed"}
    refused = [
        await visitor.client.post(path, data=fields),
        await visitor.client.post(path, data={**fields, "csrf_token": "x" * 43}),
        await visitor.client.post(
            path,
            data={**fields, "csrf_token": token},
            headers={"Origin": "https://evil.example"},
        ),
        await visitor.client.post(
            path,
            data={**fields, "csrf_token": token},
            headers={"Sec-Fetch-Site": "cross-site"},
        ),
    ]
    assert [answer.status_code for answer in refused] == [403] * 4
    assert "قدیمی" in refused[0].text
    assert (await visitor.post(path, **fields)).status_code == 303


async def test_a_form_is_ours_under_the_public_name_too(api: Api, sara: User) -> None:
    api.public_url = "http://shop.example"
    async with connect(api.build()) as client:
        visitor = Visitor(client)
        await visitor.sign_in(sara.username)
        fields = {"csrf_token": await visitor.csrf()}
        headers = {"Origin": "http://shop.example"}
        answer = await client.post("/console/sign-out", data=fields, headers=headers)
        assert answer.status_code == 303


async def test_the_token_of_one_sign_in_is_no_token_of_another(
    visitor: Visitor, app: FastAPI, sara: User
) -> None:
    async with connect(app) as client:
        other = Visitor(client)
        await other.sign_in(sara.username)
        theirs = await other.csrf()
    answer = await visitor.post("/console/sign-out", csrf_token=theirs)
    assert answer.status_code == 403


@pytest.mark.parametrize("ending", ["sign-out", "disabled", "password"])
async def test_a_sign_in_that_has_ended_opens_nothing(
    visitor: Visitor, sara: User, pool: Pool, ending: str
) -> None:
    cookies = dict(visitor.client.cookies)
    if ending == "sign-out":
        assert (await visitor.post("/console/sign-out")).status_code == 303
    elif ending == "disabled":
        await set_user_active(pool, sara.id, is_active=False)
    else:
        await pool.execute("UPDATE users SET session_version = session_version + 1")
    for name, value in cookies.items():
        visitor.client.cookies.set(name, value, path="/console")
    answer = await visitor.get("/console/inbox/mine")
    assert answer.headers["location"].startswith("/console/sign-in")


async def test_a_token_of_the_api_is_no_cookie_and_the_cookie_no_token(
    visitor: Visitor, app: FastAPI, sara: User
) -> None:
    cookie = visitor.client.cookies["pilito_session"]
    async with connect(app) as client:
        headers = {"Authorization": f"Bearer {cookie}"}
        assert (await client.get("/api/me/", headers=headers)).status_code == 401
        body = {"username": sara.username, "password": PASSWORD}
        pair = (await client.post("/api/token/", json=body)).json()
        for token in pair.values():
            client.cookies.set("pilito_session", token, path="/console")
            answer = await client.get("/console/inbox/mine")
            assert answer.status_code == 303


async def test_guessing_ends_soon(api: Api, sara: User) -> None:
    api.login_attempts_per_minute = 3
    async with connect(api.build()) as client:
        fields = {"username": sara.username, "password": "a guess of somebody"}
        answers = [await client.post("/console/sign-in", data=fields) for _ in range(5)]
    assert answers[-1].status_code == 429
    assert "دوباره امتحان کنید" in answers[-1].text


async def test_pages_let_nothing_foreign_in(visitor: Visitor) -> None:
    headers = (await visitor.get("/console/inbox/mine")).headers
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert headers["cache-control"] == "private, no-store"


async def test_the_language_is_remembered(visitor: Visitor) -> None:
    assert 'lang="fa" dir="rtl"' in (await visitor.get("/console/inbox/mine")).text
    await visitor.get("/console/language/en?next=/console/inbox/mine")
    assert 'lang="en" dir="ltr"' in (await visitor.get("/console/inbox/mine")).text
    answer = await visitor.get("/console/language/fa?next=https://evil.example")
    assert answer.headers["location"] == "/console/"


async def test_what_is_not_there_is_a_page_in_words(visitor: Visitor) -> None:
    for path in (f"inbox/mine/{uuid4()}", "inbox/mine/x", "inbox/nothing"):
        answer = await visitor.get(f"/console/{path}")
        assert answer.status_code == 404
        assert "پیدا نشد" in answer.text


async def test_another_shops_conversation_does_not_exist(
    visitor: Visitor, api: Api, app: FastAPI, channel: Channel
) -> None:
    conversation = await write_as_customer(api, channel, "c1", "راز فروشگاه")
    await api.add_user("bob", await accounts.hash_password(PASSWORD))
    path = f"/console/inbox/led_by_ai/{conversation}"
    assert "راز فروشگاه" in (await visitor.get(path)).text
    async with connect(app) as client:
        other = Visitor(client)
        await other.sign_in("bob")
        answers: list[httpx.Response] = [
            await other.get(path),
            await other.get(f"{path}/earlier?before=999999999"),
            await other.get("/console/inbox/led_by_ai"),
            *[await other.post(f"{path}/{action}", text="x") for action in ACTIONS],
        ]
    assert [one.status_code for one in answers] == [404, 404, 200] + [404] * 9
    assert not any("راز" in one.text for one in answers)
