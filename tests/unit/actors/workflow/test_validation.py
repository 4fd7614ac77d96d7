"""Definitions are checked as graphs: every problem names its node."""

from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from actors.workflow import definition as d
from actors.workflow.definition import Connection, Definition, Duration, EdgeKind, Unit
from actors.workflow.documents import read_definition, write_definition
from actors.workflow.validation import explain, find_unknown, find_urls, validate
from tests.support.workflow.run import action, define

NOW = datetime(2026, 3, 21, 12, tzinfo=UTC)
HELLO = action("hello", d.SendMessage("سلام"))
TAG = action("tag", d.TagCustomer("vip"))
DELAY = action("delay", d.Delay(Duration(1, Unit.HOURS)))
ASK = d.Waiting("ask", "نام؟", "name")


def problems(definition: Definition) -> list[str]:
    """Return what is wrong, as text."""
    return [str(one) for one in validate(definition, NOW, "Asia/Tehran")]


def webhook(url: str = "https://shop.example/hook", **fields: object) -> d.ActionNode:
    """Build a webhook's node."""
    return action("hook", d.Webhook(url, **fields))  # type: ignore[arg-type]


def test_a_sound_definition_has_no_problem() -> None:
    said = action("said", d.SendMessage("{{values.name}} {{values.code}}"))
    sound = define(
        ASK,
        d.Condition("if", (d.TagClause("vip"),)),
        webhook(save={"code": "a.b"}, body='{"name": "{{values.name}}"}'),
        said,
        DELAY,
        edges="start>ask ask>if if>hook if!failure>said hook>delay delay>ask"
        " ask!timeout>said ask!skip>said hook!failure>said",
    )
    assert problems(sound) == []


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        (define(HELLO, HELLO), "node hello: the id stands twice"),
        (define(HELLO, edges="start>hello start>hello"), "node start: the connection"),
        (
            define(HELLO, edges="start>hello hello>gone"),
            "node hello: a connection leads",
        ),
        (
            define(HELLO, edges="start>hello gone>hello"),
            "node gone: a connection begins",
        ),
        (
            define(HELLO, edges="start>hello hello>start"),
            "node hello: a connection leads",
        ),
        (
            define(HELLO, edges="start!failure>hello"),
            "node start: it has no connection",
        ),
        (define(HELLO, edges="start>hello hello!skip>hello"), "node hello: it has no"),
        (define(HELLO, TAG, edges="start>hello"), "node tag: no connection leads here"),
        (
            define(HELLO, TAG, edges="start>hello hello>tag tag>hello"),
            "node hello: a circle without a wait or a delay in it: hello > tag > hello",
        ),
        (define(HELLO, edges="start>hello hello>hello"), "node hello: a circle"),
        (
            define(d.Waiting("ask", "؟", "a", d.AnswerKind.CHOICE)),
            "node ask: it asks for a choice",
        ),
        (
            define(d.Waiting("ask", "؟", "a", choices=("x",))),
            "node ask: it has `choices`",
        ),
        (
            define(
                d.Waiting(
                    "ask",
                    "نام؟",
                    "name",
                    time_limit=Duration(1, Unit.HOURS),
                    reminder=d.Reminder(Duration(60, Unit.MINUTES), "؟"),
                )
            ),
            "node ask: its reminder",
        ),
        (
            define(
                d.Waiting("ask", "؟", "a", skip_keywords=("x",), exit_keywords=("x",))
            ),
            "node ask: «x»",
        ),
        (
            define(action("bad", d.SendMessage("{{customer.name}}"))),
            "node bad: there is no field {{customer.name}}",
        ),
        (
            define(action("bad", d.SendMessage("{{values.code}}"))),
            "node bad: there is no field {{values.code}}",
        ),
        (define(webhook("ftp://x.example")), "node hook: `url` must begin"),
        (define(webhook("https://")), "node hook: `url` must begin"),
        (
            define(ASK, webhook("https://{{values.name}}.example/")),
            "node hook: `url` may have fields",
        ),
        (define(webhook(body="{name: 1}")), "node hook: `body` must be JSON"),
        (
            define(ASK, webhook(body='{"name": {{values.name}}}')),
            "node hook: `body` must be JSON",
        ),
        (define(webhook(body="{}", method="GET")), "node hook: a GET"),
        (
            Definition((d.When("start", d.Scheduled(date(2026, 3, 20), "09:00")),)),
            "node start: its only date has passed",
        ),
    ],
)
def test_what_is_wrong_names_its_node(definition: Definition, problem: str) -> None:
    assert [one for one in problems(definition) if one.startswith(problem)]


def test_circles_through_a_wait_or_a_delay_are_fine() -> None:
    assert problems(define(ASK, TAG, edges="start>ask ask>tag tag>ask")) == []
    assert problems(define(DELAY, TAG, edges="start>delay delay>tag tag>delay")) == []


def test_a_draft_without_a_trigger_may_be_saved() -> None:
    (missing,) = validate(Definition((HELLO,)), NOW, "Asia/Tehran")
    assert missing.is_open
    assert "nothing would ever begin it" in str(missing)
    loose = validate(define(HELLO, TAG, edges="start>hello"), NOW, "Asia/Tehran")
    assert [one.is_open for one in loose] == [True]


def test_what_is_wrong_is_told_before_what_is_missing() -> None:
    loose = [action(f"n{number}", d.TagCustomer("x")) for number in range(25)]
    bad = action("bad", d.SendMessage("{{values.none}}"))
    first, *_ = validate(define(*loose, bad, edges="start>bad"), NOW, "Asia/Tehran")
    assert (first.node, first.is_open) == ("bad", False)


def test_fields_that_mean_nothing_are_found() -> None:
    document = {"nodes": [{"id": "a", "colour": "red"}], "name": "x", "limits": {}}
    written = {"nodes": [{"id": "a", "title": ""}], "limits": {"max_running": None}}
    assert list(find_unknown(document, written)) == ["nodes.0.colour", "name"]


def test_w5_what_can_not_fire_or_is_unknown_is_refused_by_name() -> None:
    """W5: of 14 trigger names 5 were ever emitted."""
    document = {
        "nodes": [
            {"id": "start", "type": "when", "trigger": {"kind": "message_deleted"}},
            {
                "id": "if",
                "type": "condition",
                "clauses": [
                    {"kind": "message", "operator": "looks_like", "value": "x"}
                ],
            },
            {"id": "go", "type": "action", "action": {"kind": "custom_code"}},
            {"type": "other"},
        ]
    }
    with pytest.raises(ValidationError) as caught:
        read_definition(str(document).replace("'", '"'))
    told = [str(one) for one in explain(caught.value, document)]
    assert any(
        one.startswith("node start: ") and "message_deleted" in one for one in told
    )
    assert any(one.startswith("node if: ") and "equals_to" in one for one in told)
    assert any(one.startswith("node go: ") and "custom_code" in one for one in told)
    assert any(one.startswith("node number 4: ") for one in told)


def test_every_definition_is_written_and_read_without_loss() -> None:
    whole = Definition(
        (
            d.When("a", d.Scheduled(date(2026, 1, 31), "09:00", d.Frequency.MONTHLY)),
            d.Condition("b", (d.AiClause("؟"), d.HoursClause()), "or", "title"),
            d.ActionNode(
                "c", d.Webhook("https://x.example", save={"k": "a.0"}), d.Retry(5)
            ),
            ASK,
        ),
        (Connection("a", "b"), Connection("b", "c", EdgeKind.FAILURE)),
        d.Limits(3, 10),
    )
    assert read_definition(write_definition(whole)) == whole


def test_addresses_of_webhooks_are_found() -> None:
    assert list(find_urls(define(webhook()))) == [("hook", "https://shop.example/hook")]
