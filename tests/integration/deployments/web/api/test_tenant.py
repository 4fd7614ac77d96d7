"""A business says over the API how its customers are answered."""

import httpx
import pytest

from deployments.answers.prompt import MAX_INSTRUCTIONS_TOKENS, fit_lines
from persistence.database import Pool
from persistence.tenants import fetch_tenant
from persistence.users import User

TENANT = "/api/tenant/"


async def test_a_tenants_instructions_are_its_own_to_write(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, pool: Pool, alice: User
) -> None:
    shown = (await client.get(TENANT)).json()
    assert shown["id"] == str(alice.tenant_id)
    assert (shown["language"], shown["instructions"]) == ("fa", "")

    words = "مشتری را «شما» خطاب کن.\nتخفیف قول نده."
    answer = await client.patch(TENANT, json={"instructions": f" {words}\n"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {**shown, "instructions": words}
    assert (await client.get(TENANT)).json() == answer.json()
    assert (await stranger.get(TENANT)).json()["instructions"] == ""
    # What the model reads before each answer.
    tenant = await fetch_tenant(pool, alice.tenant_id)
    assert tenant is not None
    assert tenant.instructions == words


async def test_what_is_not_told_stays_as_it_was(client: httpx.AsyncClient) -> None:
    await client.patch(TENANT, json={"instructions": "Be brief.", "language": "en"})
    assert (await client.patch(TENANT, json={})).json()["instructions"] == "Be brief."
    changed = (await client.patch(TENANT, json={"instructions": ""})).json()
    assert (changed["language"], changed["instructions"]) == ("en", "")


@pytest.mark.parametrize(
    "body",
    [{"language": "de"}, {"instructions": "x" * 6001}, {"instructions": "a\x00"}],
)
async def test_what_can_not_be_is_refused_by_field(
    client: httpx.AsyncClient, body: dict[str, str]
) -> None:
    answer = await client.patch(TENANT, json=body)
    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == list(body)


async def test_no_more_is_taken_than_the_model_is_shown(
    client: httpx.AsyncClient,
) -> None:
    # Two bytes a letter: of so many a prompt would leave the last third out.
    refused = await client.patch(TENANT, json={"instructions": "ب" * 4500})
    assert refused.status_code == 422
    words = "ب" * 3000
    taken = await client.patch(TENANT, json={"instructions": words})
    assert taken.status_code == 200, taken.text
    # As the prompt does.
    assert fit_lines(words, MAX_INSTRUCTIONS_TOKENS) == taken.json()["instructions"]


async def test_nobody_reads_it_without_signing_in(nobody: httpx.AsyncClient) -> None:
    assert (await nobody.get(TENANT)).status_code == 401
