"""The machine of a run: each kind of node, each kind of edge, each kind of end."""

from datetime import timedelta

import pytest

from actors.workflow import definition as d
from actors.workflow import run as workflow
from actors.workflow.definition import Duration, Unit
from actors.workflow.run import (
    Facts,
    Outcome,
    Perform,
    Phase,
    RunStatus,
    StepDone,
    StepFailed,
)
from actors.workflow.waits import CUSTOMER_LEFT, NO_ANSWER
from actors.workflow.walk import LOOP, NO_WINDOW
from tests.support.workflow.run import Going, action, define

SECOND = timedelta(seconds=1)
HELLO = action("hello", d.SendMessage("سلام {{customer.first_name}} جان"))
BYE = action("bye", d.SendMessage("خدانگهدار"))
TAG = action("tag", d.TagCustomer("خریدار"))
DELAY = action("delay", d.Delay(Duration(3, Unit.SECONDS)))
HOOK = action("hook", d.Webhook("https://shop.example/hook", save={"code": "a.b"}))
MAIL = action("mail", d.SendEmail(d.MailTo.CUSTOMER, "سفارش", "رسید"))
ASK = d.Waiting("ask", "ایمیل شما چیست؟", "email", d.AnswerKind.EMAIL)


def ended(going: Going) -> tuple[RunStatus, str]:
    """Return how the run ended."""
    finish = going.last(workflow.FinishRun)
    assert going.run.status is finish.status
    return finish.status, finish.reason


# --- Beginning ---------------------------------------------------------------------


def test_a_run_asks_to_be_admitted_before_it_does_anything() -> None:
    going = Going(define(HELLO))
    going.send(workflow.Begun())
    assert going.last(Perform).work == workflow.OpenRun()
    assert going.said == []
    assert going.run.holds_reply


def test_a_refused_run_ends_and_has_said_nothing() -> None:
    going = Going(define(HELLO))
    going.send(workflow.Begun())
    going.send(workflow.Refused("the quota is used up"))
    assert ended(going) == (RunStatus.REFUSED, "the quota is used up")
    assert going.said == []


def test_a_late_refusal_ends_no_run_that_was_admitted() -> None:
    going = Going(define(HELLO)).begin()
    going.send(workflow.Refused("twice"))
    assert going.run.status is RunStatus.RUNNING


def test_a_reading_that_was_lost_is_done_again() -> None:
    going = Going(define(HELLO))
    going.send(workflow.Begun())
    first = going.last(Perform)
    going.wait(61 * SECOND)
    again = going.last(Perform)
    assert (again.work, again.step, again.attempt) == (first.work, first.step, 2)
    going.read()
    assert going.said == ["سلام سارا جان"]


def test_a_run_may_begin_at_a_node_that_failed_before() -> None:
    going = Going(define(HELLO, BYE))
    going.run = going.run.__class__(
        going.run.id, going.run.workflow, "bye", going.run.occasion, going.now
    )
    going.begin()
    assert going.said == ["خدانگهدار"]


# --- Actions -----------------------------------------------------------------------


def test_the_next_node_waits_for_a_messages_delivery() -> None:
    going = Going(define(HELLO, BYE)).begin()
    assert going.said == ["سلام سارا جان"]
    going.deliver()
    assert going.said == ["سلام سارا جان", "خدانگهدار"]
    going.deliver()
    assert ended(going) == (RunStatus.COMPLETED, "")
    assert going.path == [
        "start:done:success",
        "hello:done:success",
        "bye:done:-",
    ]


def test_a_message_that_can_not_be_delivered_follows_its_failure_edge() -> None:
    going = Going(define(HELLO, TAG, edges="start>hello hello!failure>tag")).begin()
    step = going.last(workflow.SendText).step
    going.send(StepFailed(step, "refused"))
    assert going.path == [
        "start:done:success",
        "hello:failed:failure",
        "tag:done:-",
    ]
    assert ended(going)[0] is RunStatus.COMPLETED


def test_a_failed_node_without_an_edge_fails_the_run() -> None:
    """W2: failed nodes ended COMPLETED."""
    going = Going(define(HELLO)).begin()
    going.send(StepFailed(going.last(workflow.SendText).step, "refused"))
    assert ended(going) == (RunStatus.FAILED, "hello: refused")


def test_outside_the_platforms_window_nothing_is_sent() -> None:
    going = Going(define(HELLO)).lead(may_write=False).begin()
    assert going.said == []
    assert ended(going) == (RunStatus.FAILED, f"hello: {NO_WINDOW}")


def test_a_delay_ends_on_its_timer_and_lets_the_ai_answer_meanwhile() -> None:
    """W1: a delay kept the AI off, and the run running for ever."""
    going = Going(define(DELAY, HELLO)).begin()
    assert not going.run.holds_reply
    assert going.run.due_at == going.now + 3 * SECOND
    going.wait(2 * SECOND)
    assert going.said == []
    going.wait(SECOND).read()
    assert going.said == ["سلام سارا جان"]
    going.deliver()
    assert ended(going)[0] is RunStatus.COMPLETED


def test_after_a_delay_facts_are_read_anew() -> None:
    going = Going(define(DELAY, HELLO)).begin()
    going.facts = Facts(first_name="مریم")
    going.wait(3 * SECOND).read()
    assert going.said == ["سلام مریم جان"]


def test_a_tag_that_the_customer_has_is_no_change() -> None:
    going = Going(define(TAG), Facts(tags=("خریدار",))).begin()
    assert going.of(workflow.ChangeCard) == []
    fresh = Going(define(TAG)).begin()
    assert fresh.of(workflow.ChangeCard) == [workflow.ChangeCard(add_tags=("خریدار",))]


def test_redirects_and_the_ais_switch_are_orders_to_the_conversation() -> None:
    nodes = (
        action("sales", d.RedirectConversation(d.RedirectTo.SALES)),
        action("person", d.TransferToHuman()),
        action("off", d.ControlAiResponse(ai_enabled=False)),
    )
    going = Going(define(*nodes)).begin()
    assert going.of(workflow.Redirect) == [
        workflow.Redirect(d.RedirectTo.SALES),
        workflow.Redirect(d.RedirectTo.SUPPORT),
    ]
    assert going.of(workflow.SwitchAi) == [workflow.SwitchAi(ai_enabled=False)]
    assert ended(going)[0] is RunStatus.COMPLETED


def test_a_webhook_is_tried_again_with_doubling_pauses_under_one_key() -> None:
    going = Going(define(HOOK)).begin()
    first = going.last(Perform)
    going.send(StepFailed(first.step, "busy"))
    assert going.run.due_at == going.now + 5 * SECOND
    going.wait(5 * SECOND)
    second = going.last(Perform)
    assert (second.step, second.attempt) == (first.step, 2)
    going.send(StepFailed(first.step, "busy"))
    assert going.run.due_at == going.now + 10 * SECOND
    going.wait(10 * SECOND)
    going.send(StepFailed(first.step, "busy"))
    assert ended(going) == (RunStatus.FAILED, "hook: busy")


def test_a_webhook_that_is_refused_for_good_is_not_tried_again() -> None:
    going = Going(define(HOOK, TAG, edges="start>hook hook!failure>tag")).begin()
    step = going.last(Perform).step
    going.send(StepFailed(step, "404", is_permanent=True))
    assert going.path[-2:] == ["hook:failed:failure", "tag:done:-"]


def test_what_a_webhook_answered_is_a_value_of_the_run() -> None:
    said = action("said", d.SendMessage("کد شما {{values.code}}"))
    going = Going(define(HOOK, said)).begin()
    going.send(StepDone(going.last(Perform).step, {"code": "A-12"}))
    assert going.said == ["کد شما A-12"]


def test_a_result_that_comes_twice_counts_once() -> None:
    going = Going(define(HOOK, HELLO)).begin()
    step = going.last(Perform).step
    going.send(StepDone(step))
    going.send(StepDone(step))
    assert going.said == ["سلام سارا جان"]


def test_an_email_needs_the_customers_address() -> None:
    going = Going(define(MAIL)).begin()
    assert ended(going) == (
        RunStatus.FAILED,
        "mail: the customer has no e-mail address",
    )
    known = Going(define(MAIL), Facts(attributes={"email": "a@b.example"})).begin()
    work = known.last(Perform).work
    assert isinstance(work, workflow.SendMail)
    assert (work.address, work.is_to_customer) == ("a@b.example", True)


# --- Conditions --------------------------------------------------------------------


def fork(*clauses: d.Clause, operator: str = "and") -> d.Definition:
    """Build a run that says hello if the condition holds, and goodbye if not."""
    condition = d.Condition("if", clauses, "or" if operator == "or" else "and")
    return define(condition, HELLO, BYE, edges="start>if if>hello if!failure>bye")


BUYS = d.MessageClause(d.Operator.CONTAINS, "خرید")
TAGGED = d.TagClause("خریدار")


@pytest.mark.parametrize(
    ("definition", "is_met"),
    [
        (fork(BUYS), False),
        (fork(BUYS, TAGGED), False),
        (fork(BUYS, TAGGED, operator="or"), True),
        (fork(d.TagClause("خریدار", has=False)), False),
        (fork(d.AttributeClause("city", d.Operator.EQUALS_TO, "تهران")), True),
        (fork(d.AttributeClause("age", d.Operator.EQUALS_TO, "")), True),
        (fork(d.StatusClause((d.ConversationStatus.ACTIVE,))), True),
        (fork(d.HoursClause(is_open=True)), True),
        (fork(d.HoursClause(is_open=False)), False),
    ],
)
def test_a_condition_follows_what_holds(
    definition: d.Definition, *, is_met: bool
) -> None:
    facts = Facts(first_name="سارا", tags=("خریدار",), attributes={"city": "تهران"})
    going = Going(definition, facts).begin()
    assert going.said == (["سلام سارا جان"] if is_met else ["خدانگهدار"])


def test_a_condition_that_does_not_hold_and_has_no_edge_is_no_failure() -> None:
    going = Going(define(d.Condition("if", (BUYS,)), HELLO)).begin()
    assert ended(going) == (RunStatus.COMPLETED, "")


def test_the_model_is_asked_only_where_it_decides() -> None:
    ai = d.AiClause("آیا مشتری عصبانی است؟")
    decided = Going(fork(BUYS, ai)).begin()
    assert [type(one.work) for one in decided.of(Perform)] == [workflow.OpenRun]
    going = Going(fork(ai, TAGGED, operator="or")).begin()
    judged = going.last(Perform)
    assert judged.work == workflow.JudgeText((ai.prompt,), False, "سلام")
    going.send(StepDone(judged.step, verdict=True, detail="angry words"))
    assert going.said == ["سلام سارا جان"]
    assert going.of(workflow.RecordStep)[-1].detail == "angry words"


def test_without_a_model_the_failure_branch_says_why() -> None:
    going = Going(fork(d.AiClause("عصبانی؟"))).begin()
    step = going.last(Perform).step
    going.send(StepFailed(step, "no model is set", is_permanent=True))
    assert going.said == ["خدانگهدار"]
    recorded = going.of(workflow.RecordStep)[-1]
    assert (recorded.outcome, recorded.detail) == (Outcome.FAILED, "no model is set")


# --- Waits -------------------------------------------------------------------------


def test_a_fitting_answer_is_kept_and_followed() -> None:
    said = action("said", d.SendMessage("ثبت شد: {{values.email}}"))
    going = Going(define(ASK, said)).begin()
    assert going.said == ["ایمیل شما چیست؟"]
    assert going.run.holds_reply
    going.answer("ایمیلم Sara@shop.example هست")
    assert going.took_message
    changed = going.last(workflow.ChangeCard).attributes
    assert list(changed) == ["email"]
    going.read()
    assert going.said[-1].startswith("ثبت شد: ")
    assert "@shop.example" in going.said[-1]


def test_a_wrong_answer_is_asked_again_up_to_the_limit() -> None:
    asking = d.Waiting(
        "ask",
        "ایمیل؟",
        "email",
        d.AnswerKind.EMAIL,
        error_text="درست نبود.",
        allowed_errors=1,
    )
    going = Going(define(asking, BYE, edges="start>ask ask!failure>bye")).begin()
    going.answer("نمی‌دانم")
    assert going.said == ["ایمیل؟", "درست نبود.\nایمیل؟"]
    going.answer("هیچی")
    assert going.took_message
    going.read()
    assert going.said[-1] == "خدانگهدار"
    assert "ask:failed:failure" in going.path


def test_an_exit_keyword_ends_the_run() -> None:
    """W1: the run stayed RUNNING after an exit keyword."""
    asking = d.Waiting("ask", "نام؟", "name", exit_keywords=("انصراف",))
    going = Going(define(asking, BYE)).begin()
    going.answer("انصراف")
    assert ended(going) == (RunStatus.CANCELLED, CUSTOMER_LEFT)
    assert going.took_message
    assert not going.run.holds_reply


def test_a_skip_keyword_follows_the_skip_edge_or_goes_on() -> None:
    """W2: skip edges were never followed."""
    asking = d.Waiting("ask", "نام؟", "name", skip_keywords=("رد کن",))
    skipping = Going(
        define(asking, HELLO, BYE, edges="start>ask ask>hello ask!skip>bye")
    ).begin()
    skipping.answer("رد کن").read()
    assert skipping.said[-1] == "خدانگهدار"
    plain = Going(define(asking, HELLO)).begin()
    plain.answer("رد کن").read()
    assert plain.said[-1] == "سلام سارا جان"


def test_a_time_limit_follows_the_timeout_edge() -> None:
    """W1: the run stayed RUNNING after a time-out. W2: no such edge was followed."""
    going = Going(define(ASK, BYE, edges="start>ask ask!timeout>bye")).begin()
    going.wait(timedelta(days=1)).read()
    assert going.said[-1] == "خدانگهدار"


def test_a_time_limit_without_an_edge_ends_the_run_as_failed() -> None:
    going = Going(define(ASK, BYE)).begin()
    going.wait(timedelta(days=1)).read()
    assert ended(going) == (RunStatus.FAILED, f"ask: {NO_ANSWER}")


def test_a_reminder_comes_once_before_the_limit() -> None:
    asking = d.Waiting(
        "ask",
        "نام؟",
        "name",
        time_limit=Duration(60, Unit.MINUTES),
        reminder=d.Reminder(Duration(10, Unit.MINUTES), "هنوز منتظر پاسخ شما هستم."),
    )
    going = Going(define(asking)).begin()
    going.wait(timedelta(minutes=49))
    assert going.said == ["نام؟"]
    going.wait(timedelta(minutes=1))
    assert going.said[-1] == "هنوز منتظر پاسخ شما هستم."
    going.wait(timedelta(minutes=9))
    assert len(going.said) == 2
    assert going.run.asked is not None
    going.wait(timedelta(minutes=1))
    assert going.run.asked is None


def test_what_is_asked_back_is_the_ais_once_and_then_it_is_asked_again() -> None:
    going = Going(define(ASK, HELLO)).begin()
    going.answer("برای چی می‌خواید؟", is_question=True)
    assert not going.took_message
    assert going.of(workflow.LetAiAnswer) == [workflow.LetAiAnswer()]
    assert not going.run.holds_reply
    going.send(workflow.AiAnswered())
    assert going.said == ["ایمیل شما چیست؟"] * 2
    assert going.run.holds_reply
    going.answer("باز هم چرا؟", is_question=True)
    assert going.took_message
    assert going.of(workflow.LetAiAnswer) == [workflow.LetAiAnswer()]


def test_an_answer_counts_that_comes_while_the_ai_answers() -> None:
    going = Going(define(ASK, HELLO)).begin()
    going.answer("برای چی؟", is_question=True)
    going.answer("sara@shop.example")
    assert going.took_message
    going.read()
    assert going.said[-1] == "سلام سارا جان"


def test_w4_words_in_a_title_validate_nothing() -> None:
    asking = d.Waiting("ask", "نام؟", "name", title="email")
    going = Going(define(asking, HELLO)).begin()
    going.answer("سارا").read()
    assert going.said[-1] == "سلام سارا جان"


def test_a_choice_is_offered_by_number() -> None:
    asking = d.Waiting(
        "ask", "کدام رنگ؟", "color", d.AnswerKind.CHOICE, choices=("آبی", "سبز")
    )
    said = action("said", d.SendMessage("{{values.color}}"))
    going = Going(define(asking, said)).begin()
    assert going.said == ["کدام رنگ؟\n1. آبی\n2. سبز"]
    going.answer("۲").read()
    assert going.said[-1] == "سبز"


# --- Branches, loops and people ----------------------------------------------------


def test_w2_parallel_branches_all_finish() -> None:
    """W2: parallel branches were dropped at a wait."""
    going = Going(
        define(
            ASK, TAG, DELAY, HELLO, edges="start>ask start>tag start>delay delay>hello"
        )
    ).begin()
    assert going.path == ["start:done:success", "tag:done:-"]
    going.wait(3 * SECOND).read()
    assert going.said[-1] == "سلام سارا جان"
    going.deliver()
    assert going.run.status is RunStatus.RUNNING
    going.answer("a@b.example").read()
    assert ended(going) == (RunStatus.COMPLETED, "")


def test_two_waits_ask_one_after_the_other() -> None:
    other = d.Waiting("name", "نام؟", "name")
    going = Going(define(ASK, other, edges="start>ask start>name")).begin()
    assert going.said == ["ایمیل شما چیست؟"]
    assert [token.phase for token in going.run.tokens] == [Phase.ASKED, Phase.QUEUED]
    going.answer("a@b.example").read()
    going.send(workflow.ReplyFreed())
    assert going.said[-1] == "نام؟"


def test_a_wait_queues_behind_another_run() -> None:
    going = Going(define(ASK)).lead(may_ask=False).begin()
    assert going.said == []
    assert not going.run.holds_reply
    going.lead(may_ask=True).send(workflow.ReplyFreed())
    assert going.said == ["ایمیل شما چیست؟"]


def test_a_circle_through_a_delay_is_stopped_at_last() -> None:
    going = Going(define(DELAY, TAG, edges="start>delay delay>tag tag>delay")).begin()
    for _ in range(400):
        if going.run.status is not RunStatus.RUNNING:
            break
        going.wait(3 * SECOND)
        if going.run.status is RunStatus.RUNNING:
            going.read()
    assert ended(going) == (RunStatus.FAILED, LOOP)


def test_a_person_ends_a_run_with_the_steps_that_it_stood_at() -> None:
    going = Going(define(ASK)).begin()
    going.send(workflow.Cancelled("a person took over"))
    assert ended(going) == (RunStatus.CANCELLED, "a person took over")
    assert going.path[-1] == "ask:cancelled:-"
