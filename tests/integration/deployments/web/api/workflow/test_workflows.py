"""The API of workflows: versions, the graph, activation, exports, templates."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from persistence.users import Role
from tests.support.api import Api, connect

PATH = "/api/workflow/workflows/"
HELLO = {"kind": "send_message", "text": "سلام {{customer.first_name|دوست}}"}
START = {"id": "start", "type": "when", "trigger": {"kind": "new_customer"}}
GREET = {"id": "greet", "type": "action", "action": HELLO}
WELCOME = {
    "name": "خوش‌آمد",
    "nodes": [START, GREET],
    "connections": [{"source": "start", "target": "greet"}],
}


async def make(client: httpx.AsyncClient, **changes: object) -> dict[str, object]:
    """Make a workflow."""
    answer = await client.post(PATH, json={**WELCOME, **changes})
    assert answer.status_code == 201, answer.text
    made: dict[str, object] = answer.json()
    return made


async def test_a_workflow_is_made_as_a_draft_and_listed(
    client: httpx.AsyncClient,
) -> None:
    made = await make(client, description="برای مشتری تازه")
    assert (made["status"], made["version"], made["problems"]) == ("DRAFT", 1, [])
    listed = (await client.get(PATH)).json()
    assert [one["id"] for one in listed["results"]] == [made["id"]]
    assert (await client.get(PATH, params={"status": "ACTIVE"})).json()["count"] == 0
    shown = (await client.get(f"{PATH}{made['id']}/")).json()
    assert shown == made


async def test_a_workflow_of_another_tenant_does_not_exist(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    made = await make(client)
    own = f"{PATH}{made['id']}/"
    for method, path, body in (
        ("GET", own, None),
        ("PUT", own, {**WELCOME, "version": 1}),
        ("PATCH", own, {"name": "x"}),
        ("DELETE", own, None),
        ("POST", f"{own}activate/", None),
        ("POST", f"{own}pause/", None),
        ("POST", f"{own}duplicate/", None),
        ("GET", f"{own}export/", None),
        ("GET", f"{own}statistics/", None),
        ("GET", f"{own}nodes/", None),
        ("POST", f"{own}nodes/", {"node": GREET}),
        ("DELETE", f"{own}nodes/greet/", None),
        ("GET", f"{own}connections/", None),
    ):
        answer = await stranger.request(method, path, json=body)
        assert answer.status_code == 404, path
    assert (await client.get(own)).json() == made


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"connections": [{"source": "start", "target": "gone"}]}, "node start: "),
        ({"nodes": [START, {**GREET, "colour": "red"}]}, "nodes.1.colour"),
        (
            {"nodes": [{**START, "trigger": {"kind": "message_deleted"}}]},
            "node start: trigger",
        ),
        (
            {"nodes": [START, {**GREET, "action": {"kind": "custom_code"}}]},
            "node greet: action",
        ),
        (
            {
                "nodes": [
                    START,
                    {
                        **GREET,
                        "action": {"kind": "send_message", "text": "{{customer.x}}"},
                    },
                ]
            },
            "node greet: there is no field {{customer.x}}",
        ),
        (
            {
                "nodes": [
                    START,
                    {
                        **GREET,
                        "action": {"kind": "webhook", "url": "http://169.254.169.254/"},
                    },
                ]
            },
            "node greet: url: ",
        ),
        ({"limits": {"max_running": 0}}, "limits.max_running"),
    ],
)
async def test_what_no_run_could_go_through_is_refused_by_node(
    client: httpx.AsyncClient, change: dict[str, object], word: str
) -> None:
    answer = await client.post(PATH, json={**WELCOME, **change})
    assert answer.status_code == 422, answer.text
    assert word in answer.json()["detail"]


async def test_who_saves_with_an_old_version_is_told_both(
    client: httpx.AsyncClient,
) -> None:
    made = await make(client)
    own = f"{PATH}{made['id']}/"
    body = {**WELCOME, "name": "تازه", "version": 1}
    answers = await asyncio.gather(*(client.put(own, json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["versions"] == {"given": 1, "newest": 2}
    shown = (await client.get(own)).json()
    assert (shown["version"], shown["name"]) == (2, "تازه")


async def test_a_draft_may_be_incomplete_and_is_not_activated_then(
    client: httpx.AsyncClient,
) -> None:
    made = await make(client, nodes=[GREET], connections=[])
    own = f"{PATH}{made['id']}/"
    assert "nothing would ever begin it" in str(made["problems"])
    refused = await client.post(f"{own}activate/")
    assert refused.status_code == 422
    added = await client.post(f"{own}nodes/", json={"node": START})
    assert added.status_code == 201
    assert "node greet: no connection leads here" in str(added.json()["problems"])
    edge = {"connection": {"source": "start", "target": "greet"}, "version": 2}
    assert (await client.post(f"{own}connections/", json=edge)).status_code == 201
    active = await client.post(f"{own}activate/")
    assert (active.status_code, active.json()["status"]) == (200, "ACTIVE")
    # What is active stays whole.
    broken = await client.delete(f"{own}nodes/start/")
    assert broken.status_code == 422
    paused = await client.post(f"{own}pause/")
    assert paused.json()["status"] == "PAUSED"


async def test_nodes_and_connections_one_by_one_and_many_at_once(
    client: httpx.AsyncClient,
) -> None:
    made = await make(client)
    own = f"{PATH}{made['id']}/"
    tag = {"id": "tag", "type": "action", "action": {"kind": "add_tag", "tag": "vip"}}
    bulk = {"put": [tag, {**GREET, "title": "سلام"}], "remove": []}
    changed = (await client.post(f"{own}nodes/bulk/", json=bulk)).json()
    assert [node["id"] for node in changed["nodes"]] == ["start", "greet", "tag"]
    assert changed["nodes"][1]["title"] == "سلام"
    edges = {
        "add": [{"source": "greet", "target": "tag", "type": "failure"}],
        "remove": [{"source": "start", "target": "greet"}],
    }
    await client.post(f"{own}connections/bulk/", json=edges)
    listed = (await client.get(f"{own}connections/")).json()
    assert listed == [{"source": "greet", "target": "tag", "type": "failure"}]
    # Another kind of node may take the place, and keeps its connections.
    asking = {"type": "waiting", "prompt": "نام؟", "attribute": "name"}
    await client.put(f"{own}nodes/greet/", json={"node": asking})
    shown = (await client.get(f"{own}nodes/greet/")).json()
    assert (shown["type"], shown["answer"]) == ("waiting", "text")
    removed = await client.delete(
        f"{own}connections/",
        params={"source": "greet", "target": "tag", "type": "failure"},
    )
    assert removed.json()["connections"] == []
    gone = await client.delete(f"{own}nodes/tag/")
    assert [node["id"] for node in gone.json()["nodes"]] == ["start", "greet"]
    assert gone.json()["version"] == 6
    for path in ("nodes/tag/", "nodes/none/"):
        assert (await client.get(f"{own}{path}")).status_code == 404
        assert (await client.delete(f"{own}{path}")).status_code == 404
    twice = await client.post(f"{own}nodes/", json={"node": GREET})
    assert twice.status_code == 422


async def test_an_export_is_imported_without_loss(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    made = await make(client, description="توضیح", limits={"max_running": 7})
    exported = (await client.get(f"{PATH}{made['id']}/export/")).json()
    imported = await stranger.post(f"{PATH}import/", json=exported)
    assert imported.status_code == 201
    again = (await stranger.get(f"{PATH}{imported.json()['id']}/export/")).json()
    assert again == exported


async def test_a_duplicate_is_a_draft_of_its_own(client: httpx.AsyncClient) -> None:
    made = await make(client)
    await client.post(f"{PATH}{made['id']}/activate/")
    copy = (await client.post(f"{PATH}{made['id']}/duplicate/")).json()
    assert (copy["status"], copy["version"], copy["nodes"]) == (
        "DRAFT",
        1,
        made["nodes"],
    )
    assert copy["id"] != made["id"]


async def test_a_deleted_workflow_is_gone(client: httpx.AsyncClient) -> None:
    made = await make(client)
    assert (await client.delete(f"{PATH}{made['id']}/")).status_code == 204
    assert (await client.get(f"{PATH}{made['id']}/")).status_code == 404
    assert (await client.get(PATH)).json()["count"] == 0


@pytest.mark.parametrize("language", ["fa", "en"])
async def test_every_template_can_be_activated_as_it_is(
    client: httpx.AsyncClient, language: str
) -> None:
    await client.patch("/api/tenant/", json={"language": language})
    templates = (await client.get("/api/workflow/templates/")).json()
    assert [one["key"] for one in templates] == [
        "welcome",
        "ask-phone-number",
        "out-of-hours",
        "after-sale",
    ]
    for template in templates:
        made = await client.post(f"/api/workflow/templates/{template['key']}/create/")
        assert made.status_code == 201, made.text
        active = await client.post(f"{PATH}{made.json()['id']}/activate/")
        assert active.status_code == 200, active.text
    unknown = await client.post("/api/workflow/templates/none/create/")
    assert unknown.status_code == 404


async def test_business_hours_are_checked_and_kept(client: httpx.AsyncClient) -> None:
    path = "/api/workflow/business-hours/"
    assert (await client.get(path)).json()["week"] == []
    day = [{"opens": "09:00", "closes": "18:00"}]
    hours = {
        "time_zone": "Asia/Tehran",
        "week": [day] * 7,
        "exceptions": [{"day": "2026-03-21", "hours": []}],
    }
    assert (await client.put(path, json=hours)).json() == hours
    assert (await client.get(path)).json() == hours
    wrong = await client.put(path, json={**hours, "time_zone": "Tehran"})
    assert wrong.status_code == 422
    assert "time_zone" in wrong.json()["detail"]
    assert (await client.put(path, json={"week": [day]})).status_code == 422


async def test_operators_read_and_owners_edit(
    app: FastAPI, api: Api, client: httpx.AsyncClient
) -> None:
    made = await make(client)
    tenant_id = await api.pool.fetchval("SELECT tenant_id FROM workflows")
    operator = await api.add_user("op", role=Role.OPERATOR, tenant_id=tenant_id)
    async with connect(app, operator) as theirs:
        assert (await theirs.get(f"{PATH}{made['id']}/")).status_code == 200
        assert (await theirs.post(PATH, json=WELCOME)).status_code == 403
        assert (await theirs.post(f"{PATH}{made['id']}/activate/")).status_code == 403


async def test_the_schema_is_published(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/workflow/schema/")
    assert {"nodes", "connections", "limits"} == set(answer.json()["properties"])
