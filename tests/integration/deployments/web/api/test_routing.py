"""A tenant's own intents over the API."""

import httpx
import pytest

from persistence.database import Pool
from persistence.routing import fetch_routing
from persistence.users import User
from retrieval.index.knowledge import SourceType
from retrieval.routing import DEFAULT_INTENTS, Intent, QueryRouter

ROUTING = "/api/knowledge/routing/"
PRICES = {
    "name": "prices",
    "keywords": ["قیمت", " چند تومان "],
    "primary_source": "products",
    "secondary_sources": ["faq"],
    "primary_budget": 900,
    "secondary_budget": 0,
}
REST = {
    "name": "rest",
    "keywords": [],
    "primary_source": "faq",
    "secondary_sources": [],
    "primary_budget": 500,
    "secondary_budget": 500,
}


async def test_a_tenant_begins_with_the_defaults(client: httpx.AsyncClient) -> None:
    shown = (await client.get(ROUTING)).json()
    assert shown["is_default"] is True
    assert [one["name"] for one in shown["intents"]] == [
        intent.name for intent in DEFAULT_INTENTS
    ]
    # What is shown can be sent back as it is.
    answer = await client.put(ROUTING, json={"intents": shown["intents"]})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"is_default": False, "intents": shown["intents"]}


async def test_own_intents_replace_the_defaults_for_this_tenant_alone(
    client: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    pool: Pool,
    alice: User,
    bob: User,
) -> None:
    answer = await client.put(ROUTING, json={"intents": [PRICES, REST]})
    assert answer.status_code == 200, answer.text
    assert (await client.get(ROUTING)).json() == answer.json()
    assert (await stranger.get(ROUTING)).json()["is_default"] is True
    assert await fetch_routing(pool, bob.tenant_id) is None

    intents = await fetch_routing(pool, alice.tenant_id)
    assert intents is not None
    assert intents[0] == Intent(
        "prices",
        ("قیمت", "چند تومان"),
        SourceType.PRODUCTS,
        (SourceType.FAQ,),
        900,
        0,
    )
    assert QueryRouter(intents).route("قیمتش؟") == intents[0]
    assert QueryRouter(intents).route("سلام") == intents[1]

    assert (await client.delete(ROUTING)).status_code == 204
    assert (await client.get(ROUTING)).json()["is_default"] is True


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "Two words"}, "intents.0.name"),
        ({"keywords": ["  "]}, "intents.0.keywords.0"),
        ({"keywords": ["؟!"]}, "intents.0"),
        ({"primary_source": "news"}, "intents.0.primary_source"),
        ({"secondary_sources": ["products"]}, "intents.0"),
        ({"secondary_sources": ["faq", "faq"]}, "intents.0"),
        ({"primary_budget": 0}, "intents.0.primary_budget"),
        ({"primary_budget": 10**9}, "intents.0.primary_budget"),
        ({"secondary_budget": -1}, "intents.0.secondary_budget"),
        ({"budget": 1}, "intents.0.budget"),
        ({"name": "rest"}, "intents: rest is repeated"),
        ({"keywords": []}, "intents: only one of them may have no keywords"),
    ],
)
async def test_what_can_not_be_is_refused_by_field(
    client: httpx.AsyncClient, change: dict[str, object], field: str
) -> None:
    answer = await client.put(ROUTING, json={"intents": [PRICES | change, REST]})
    assert answer.status_code == 422
    assert field in answer.json()["detail"]
    assert (await client.get(ROUTING)).json()["is_default"] is True


async def test_a_list_of_nothing_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.put(ROUTING, json={"intents": []})).status_code == 422
