"""The chat page without a browser: languages, headers, files, the form."""

import re

import httpx
import pytest

from tests.support.servers.http_server import ANSWER_S
from tests.support.website import Website

PERSIAN = {"Accept-Language": "fa-IR,fa;q=0.9,en;q=0.5"}
ENGLISH = {"Accept-Language": "en-US,en;q=0.9"}
PATH = "/chat/shop-key-1"


async def test_the_page_speaks_the_browsers_language(
    browser: httpx.AsyncClient,
) -> None:
    persian = await browser.get(PATH, headers=PERSIAN)
    assert '<html lang="fa" dir="rtl">' in persian.text
    assert "فروشگاه آزمون" in persian.text
    english = await browser.get(PATH, headers=ENGLISH)
    assert '<html lang="en" dir="ltr">' in english.text
    asked = await browser.get(PATH, headers=PERSIAN, params={"lang": "en"})
    assert '<html lang="en"' in asked.text


async def test_the_policy_forbids_what_is_not_ours(browser: httpx.AsyncClient) -> None:
    page = await browser.get(PATH)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]* src=)|\son\w+=|\sstyle=|<style", page.text)
    assert not re.search(r"(src|href)=\"https?://", page.text)


async def test_files_may_be_kept_by_their_version(browser: httpx.AsyncClient) -> None:
    page = await browser.get(PATH)
    addresses = re.findall(r'"(assets/chat\.(?:css|js)\?v=\w+)"', page.text)
    assert len(addresses) == 2
    for address in addresses:
        asset = await browser.get(f"/chat/{address}")
        assert asset.status_code == 200
        assert "immutable" in asset.headers["cache-control"]
        plain = await browser.get(f"/chat/{address.partition('?')[0]}")
        assert plain.headers["cache-control"] == "no-cache"
        tag = {"If-None-Match": plain.headers["etag"]}
        assert (await browser.get(f"/chat/{address}", headers=tag)).status_code == 304
    assert (await browser.get("/chat/assets/chat.html")).status_code == 404


async def test_an_unknown_key_is_told_in_both_languages(
    browser: httpx.AsyncClient,
) -> None:
    for path in ("/chat/none", "/chat/a%00b"):
        page = await browser.get(path)
        assert page.status_code == 404
        assert "پیدا نشد" in page.text
        assert "This chat page does not exist" in page.text
    assert (await browser.post("/chat/none", data={"content": "x"})).status_code == 404


async def test_the_form_works_without_a_script(
    browser: httpx.AsyncClient, website: Website
) -> None:
    sent = await browser.post(
        PATH, data={"content": "سلام\r\n<b>https://x.example</b>"}
    )
    assert sent.status_code == 303
    cookie = sent.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    page = await browser.get(str(sent.url.join(sent.headers["location"])))
    assert page.status_code == 200
    assert "سلام\n&lt;b&gt;" in page.text
    assert 'href="https://x.example"' in page.text
    await browser.post(PATH, data={"content": "باز هم"})
    assert len({event.conversation_id for event in website.shards.events}) == 1
    async with httpx.AsyncClient(base_url=browser.base_url, timeout=ANSWER_S) as other:
        assert "باز هم" not in (await other.get(PATH)).text


@pytest.mark.parametrize("content", ["", " ", "x" * 4001, "a\0b"])
async def test_the_form_says_what_it_could_not_send(
    browser: httpx.AsyncClient, website: Website, content: str
) -> None:
    answer = await browser.post(PATH, data={"content": content}, headers=ENGLISH)
    assert answer.status_code == 422
    assert "Not sent." in answer.text
    assert website.shards.events == []


async def test_a_form_that_is_too_large_is_refused(browser: httpx.AsyncClient) -> None:
    large = await browser.post(PATH, data={"content": "x" * 70_000})
    assert large.status_code == 413
    many = await browser.post(PATH, content=b"a=1&" * 100)
    assert many.status_code == 422


async def test_what_a_visitor_typed_is_kept_when_it_was_refused(
    browser: httpx.AsyncClient,
) -> None:
    typed = "</textarea><script>" + "x" * 4000
    answer = await browser.post(PATH, data={"content": typed})
    assert "&lt;/textarea&gt;&lt;script&gt;" in answer.text
