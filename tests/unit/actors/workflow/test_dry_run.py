"""A workflow is simulated in a past conversation: its path, and where it leads."""

from datetime import timedelta

import pytest

from actors.workflow import definition as d
from actors.workflow.definition import ConversationStatus, EdgeKind, Platform
from actors.workflow.dry_run import (
    CUT,
    JUDGE_ASSUMED,
    MAIL_ASSUMED,
    MAX_EVENTS,
    NO_TAG,
    TAKEN_OVER,
    WEBHOOK_ASSUMED,
    Author,
    DryRun,
    PastConversation,
    PastMessage,
    Simulator,
)
from actors.workflow.run import Facts, Outcome, RunStatus
from actors.workflow.triggers import ActiveWorkflow
from tests.support.workflow.run import NOON, REF, action, define

MINUTE = timedelta(minutes=1)
ACTIVE, SUPPORT, CLOSED = (
    ConversationStatus.ACTIVE,
    ConversationStatus.SUPPORT_ACTIVE,
    ConversationStatus.CLOSED,
)
TO_SALES = action("sales", d.RedirectConversation(d.RedirectTo.SALES))
ASK = d.Waiting(
    "ask",
    "نامتان؟",
    "name",
    time_limit=d.Duration(1, d.Unit.HOURS),
    exit_keywords=("لغو",),
)
THANK = action("thank", d.SendMessage("ممنون"))


def wrote(text: str, minutes: int = 0) -> PastMessage:
    return PastMessage(text, NOON + minutes * MINUTE)


def answered(minutes: int, author: Author = Author.PERSON) -> PastMessage:
    return PastMessage("سلام", NOON + minutes * MINUTE, author)


def simulate(
    definition: d.Definition,
    *messages: PastMessage,
    status: ConversationStatus = ACTIVE,
    facts: Facts | None = None,
    hours: int = 24,
    is_whole: bool = True,
    window: timedelta | None = None,
) -> DryRun:
    past = PastConversation(
        Platform.INSTAGRAM,
        status,
        messages,
        NOON + timedelta(hours=hours),
        facts or Facts(),
        is_whole,
        window,
    )
    active = ActiveWorkflow(REF, definition)
    return Simulator(active, lambda text: "؟" in text).simulate(past)


def nodes(result: DryRun, path: int = 0) -> list[str]:
    return [step.node for step in result.paths[path].steps]


def on(trigger: d.Trigger, *rest: d.ActionNode) -> d.Definition:
    """Define actions in a row behind a trigger."""
    made = define(*rest)
    return d.Definition((d.When("start", trigger), *made.nodes[1:]), made.connections)


def test_a_redirect_would_have_ended_the_conversation_otherwise() -> None:
    result = simulate(define(TO_SALES), wrote("سلام"))
    (path,) = result.paths
    assert nodes(result) == ["start", "sales"]
    assert (path.status, path.started_at) == (RunStatus.COMPLETED, NOON)
    assert (result.status, result.real_status) == (SUPPORT, ACTIVE)
    assert result.is_triggered
    assert result.ends_otherwise


def test_a_redirect_to_where_it_stands_changes_nothing() -> None:
    result = simulate(define(TO_SALES), wrote("سلام"), status=SUPPORT)
    assert result.is_triggered
    assert not result.ends_otherwise


def test_a_workflow_that_redirects_nobody_leaves_the_status() -> None:
    result = simulate(define(THANK), wrote("سلام"), answered(1), status=SUPPORT)
    assert result.paths[0].texts == ("ممنون",)
    assert result.status is SUPPORT
    assert not result.ends_otherwise


def test_a_closed_conversation_was_closed_by_somebody() -> None:
    assert not simulate(define(TO_SALES), wrote("سلام"), status=CLOSED).ends_otherwise


def test_a_person_who_answers_later_leads_in_the_end() -> None:
    to_ai = action("ai", d.RedirectConversation(d.RedirectTo.AI))
    result = simulate(define(to_ai), wrote("سلام"), answered(5), status=ACTIVE)
    assert result.status is SUPPORT


def test_words_that_trigger_nothing_leave_no_path() -> None:
    definition = on(d.ReceiveMessage(keywords=("قیمت",)), TO_SALES)
    assert simulate(definition, wrote("سلام"), wrote("ممنون", 1)).paths == ()
    result = simulate(definition, wrote("سلام"), wrote("قیمت", 1))
    assert result.paths[0].started_at == NOON + MINUTE


@pytest.mark.parametrize(("is_whole", "times"), [(True, 1), (False, 0)])
def test_a_new_customer_is_new_once(is_whole: bool, times: int) -> None:
    definition = on(d.NewCustomer(), THANK)
    result = simulate(definition, wrote("سلام"), wrote("هستید", 1), is_whole=is_whole)
    assert len(result.paths) == times


def test_a_share_begins_nothing() -> None:
    share = PastMessage("قیمت", NOON, is_text=False, is_share=True)
    assert not simulate(define(TO_SALES), share).is_triggered


def test_an_answer_of_our_own_begins_nothing() -> None:
    assert not simulate(define(TO_SALES), answered(0, Author.OURS)).is_triggered


def test_each_message_begins_a_run_within_the_limit() -> None:
    definition = define(THANK)
    assert (
        len(simulate(definition, wrote("a"), wrote("b", 1), wrote("c", 2)).paths) == 3
    )
    limited = d.Definition(
        definition.nodes, definition.connections, d.Limits(max_runs_per_customer=2)
    )
    assert len(simulate(limited, wrote("a"), wrote("b", 1), wrote("c", 2)).paths) == 2


def test_an_answer_to_a_wait_goes_to_the_wait_alone() -> None:
    result = simulate(define(ASK, THANK), wrote("سلام"), wrote("سارا", 5))
    (path,) = result.paths
    assert nodes(result) == ["start", "ask", "thank"]
    assert path.texts == ("نامتان؟", "ممنون")
    assert path.steps[1].at == NOON + 5 * MINUTE
    assert path.status is RunStatus.COMPLETED


def test_a_question_back_is_answered_by_the_ai_and_asked_again() -> None:
    result = simulate(
        define(ASK, THANK), wrote("سلام"), wrote("چرا می‌پرسید؟", 1), wrote("سارا", 2)
    )
    assert result.paths[0].texts == ("نامتان؟", "نامتان؟", "ممنون")


def test_a_wait_without_an_answer_ends_at_its_limit() -> None:
    late = action("late", d.SendMessage("دیر شد"))
    definition = define(ASK, THANK, late, edges="start>ask ask>thank ask!timeout>late")
    result = simulate(definition, wrote("سلام"), wrote("دیر شد", 61))
    step = result.paths[0].steps[1]
    assert (step.node, step.outcome) == ("ask", Outcome.TIMED_OUT)
    assert (step.edge, step.at) == (EdgeKind.TIMEOUT, NOON + timedelta(hours=1))
    # What came too late begins the next run.
    assert result.paths[1].started_at == NOON + 61 * MINUTE


def test_a_run_that_still_waits_is_running() -> None:
    result = simulate(define(ASK, THANK), wrote("سلام"), hours=0)
    assert result.paths[0].status is RunStatus.RUNNING
    assert nodes(result) == ["start"]


def test_a_person_who_answers_ends_a_wait_and_not_a_delay() -> None:
    result = simulate(
        define(ASK, TO_SALES), wrote("سلام"), answered(1), wrote("سارا", 2)
    )
    assert result.paths[0].status is RunStatus.CANCELLED
    assert result.paths[0].reason == TAKEN_OVER
    delay = action("pause", d.Delay(d.Duration(2, d.Unit.HOURS)))
    result = simulate(define(delay, THANK), wrote("سلام"), answered(1))
    assert nodes(result) == ["start", "pause", "thank"]
    assert result.paths[0].steps[1].at == NOON + timedelta(hours=2)


def test_what_lies_outside_is_assumed_and_said_so() -> None:
    hook = action("hook", d.Webhook("https://example.com/", save={"state": "a.b"}))
    mail = action("mail", d.SendEmail(d.MailTo.TENANT, "s", "t"))
    judged = d.Condition("judged", (d.AiClause("Is it a complaint?"),))
    edges = "start>hook hook>mail mail>judged judged>thank judged!failure>sales"
    definition = define(hook, mail, judged, THANK, TO_SALES, edges=edges)
    result = simulate(definition, wrote("سلام"))
    whys = {step.node: step.why for step in result.paths[0].steps}
    assert whys["hook"] == WEBHOOK_ASSUMED
    assert whys["mail"] == MAIL_ASSUMED
    assert whys["judged"] == JUDGE_ASSUMED
    assert nodes(result) == ["start", "hook", "mail", "judged", "sales"]
    assert result.paths[0].status is RunStatus.COMPLETED


def test_tags_are_those_of_the_card_and_of_the_workflow() -> None:
    only = on(d.ReceiveMessage(tags=("vip",)), THANK)
    refused = simulate(only, wrote("سلام"))
    assert refused.paths[0].status is RunStatus.REFUSED
    assert refused.paths[0].reason == NO_TAG
    assert not refused.is_triggered
    assert simulate(only, wrote("سلام"), facts=Facts(tags=("vip",))).is_triggered
    # The second message finds the tag that the first one's run gave.
    has = d.Condition("has", (d.TagClause("seen"),))
    give = action("give", d.TagCustomer("seen"))
    edges = "start>has has>sales has!failure>give"
    definition = define(has, give, TO_SALES, edges=edges)
    result = simulate(definition, wrote("a"), wrote("b", 1))
    assert [nodes(result, 0)[-1], nodes(result, 1)[-1]] == ["give", "sales"]


def test_conditions_see_the_status_of_then() -> None:
    leads = d.Condition("leads", (d.StatusClause((SUPPORT,)),))
    definition = define(
        leads, THANK, TO_SALES, edges="start>leads leads>thank leads!failure>sales"
    )
    assert nodes(simulate(definition, wrote("a"), status=SUPPORT))[-1] == "sales"
    assert simulate(definition, answered(0), wrote("a", 1)).paths == ()
    begin = d.When("start", d.ReceiveMessage(statuses=(SUPPORT,)))
    led = d.Definition((begin, *definition.nodes[1:]), definition.connections)
    assert nodes(simulate(led, answered(0), wrote("a", 1)))[-1] == "thank"


def test_a_closed_window_takes_no_automatic_message() -> None:
    delay = action("pause", d.Delay(d.Duration(2, d.Unit.HOURS)))
    definition = define(delay, THANK)
    late = simulate(definition, wrote("a"), window=timedelta(hours=1))
    assert late.paths[0].status is RunStatus.FAILED
    assert late.paths[0].texts == ()
    assert simulate(definition, wrote("a"), window=timedelta(hours=3)).paths[0].texts


def test_a_workflow_that_does_too_much_is_cut_off() -> None:
    pause = action("pause", d.Delay(d.Duration(1, d.Unit.SECONDS)))
    definition = define(pause, edges="start>pause pause>pause")
    many = [wrote("a", 20 * number) for number in range(20)]
    result = simulate(definition, *many)
    assert result.note == CUT
    assert result.events == MAX_EVENTS
    assert sum(len(path.steps) for path in result.paths) <= MAX_EVENTS
