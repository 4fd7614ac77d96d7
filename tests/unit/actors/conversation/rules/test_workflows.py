"""What workflows do to a conversation: who answers, what is open, what ends a run."""

from dataclasses import replace
from datetime import timedelta

import pytest

from actors.conversation import effects, events
from actors.conversation.effects import LogName
from actors.conversation.rules.workflows.following import MAX_DEPTH
from actors.conversation.state import (
    Author,
    Destination,
    MessageType,
    Source,
    Status,
    TimerKind,
)
from actors.workflow import definition as d
from actors.workflow import run as workflow
from actors.workflow.definition import Duration, Limits, Unit
from actors.workflow.run import Facts
from tests.support.conversation.conversations import OPERATOR, Story, at
from tests.support.workflow.run import action, define
from tests.support.workflow.story import WorkflowStory

HELLO = action("hello", d.SendMessage("سلام {{customer.first_name}} جان"))
BYE = action("bye", d.SendMessage("خدانگهدار"))
TAG = action("tag", d.TagCustomer("خریدار"))
DELAY = action("delay", d.Delay(Duration(3, Unit.SECONDS)))
ASK = d.Waiting("ask", "ایمیل شما چیست؟", "email", d.AnswerKind.EMAIL)


def triggered_by(trigger: d.Trigger, *nodes: d.Node, edges: str = "") -> d.Definition:
    """Build a workflow with another trigger."""
    plain = define(*nodes, edges=edges)
    return replace(plain, nodes=(d.When("start", trigger), *plain.nodes[1:]))


# --- Who answers -------------------------------------------------------------------


def test_a_message_that_a_workflow_answers_is_not_answered_by_the_ai() -> None:
    story = WorkflowStory(define(HELLO))
    story.customer_writes("قیمت پالتو؟", 0)
    assert story.now.reply is None
    assert story.now.lease is not None
    story.works(0.1)
    assert story.said == ["سلام سارا جان"]
    assert story.finished == [("completed", "")]
    assert (story.now.questions, story.now.reply) == ((), None)
    assert story.now.lease is None


def test_what_a_workflow_says_is_a_message_of_ours_and_names_the_run() -> None:
    story = WorkflowStory(define(HELLO))
    story.customer_writes("سلام", 0)
    story.works(0.1)
    (message,) = [e for e in story.trail if isinstance(e, effects.RecordMessage)]
    assert message.author is Author.AI
    assert message.written_by is not None
    assert message.written_by.node == "hello"


def test_a_workflow_that_said_nothing_leaves_the_question_to_the_ai() -> None:
    story = WorkflowStory(define(TAG))
    story.customer_writes("قیمت پالتو؟", 0)
    story.works(0.1)
    assert story.finished == [("completed", "")]
    assert len(story.now.questions) == 1
    assert story.now.reply is not None
    assert story.armed(TimerKind.REPLY)


def test_a_refused_run_leaves_the_question_to_the_ai() -> None:
    story = WorkflowStory(define(HELLO))
    story.customer_writes("قیمت؟", 0)
    story.reports(story.work, workflow.Refused("the quota is used up"), 0.1)
    assert story.finished == [("refused", "the quota is used up")]
    assert story.now.reply is not None


def test_a_second_question_of_the_burst_is_the_ais_afterwards() -> None:
    story = WorkflowStory(define(HELLO))
    story.customer_writes("سلام", 0)
    story.customer_writes("قیمت پالتو؟", 0.05, mid="second")
    assert story.now.reply is None
    story.works(0.1)
    # The second message would begin a run as well, while the first is under way.
    assert story.now.questions == (story.message_of("second"),)
    assert story.now.reply is not None


def test_during_a_delay_the_ai_answers() -> None:
    """W1: a delay kept the AI off."""
    story = WorkflowStory(define(DELAY, HELLO))
    story.customer_writes("قیمت پالتو؟", 0)
    story.works(0.1)
    assert story.now.lease is None
    assert story.now.reply is not None
    assert story.armed(TimerKind.WORKFLOW)
    story.reply_timer_fires(2.1)
    assert story.now.reply is not None
    job = story.now.reply.job
    assert job is not None
    story.ai_writes("۸۹۰ هزار تومان", 2.5, job=job)
    story.falls_due()
    # What comes late is about no message any more, and stops nobody's answer.
    story.customer_writes("ممنون", 3.2)
    story.works(3.3)
    assert story.said == ["سلام سارا جان"]


def test_a_late_step_stops_no_answer_that_is_being_written() -> None:
    story = WorkflowStory(define(DELAY, HELLO))
    story.customer_writes("قیمت پالتو؟", 0)
    story.works(0.1)
    story.falls_due()
    assert story.now.reply is not None
    story.works(3.2)
    assert story.said == ["سلام سارا جان"]
    assert story.now.reply is not None
    assert len(story.now.questions) == 1


def test_while_a_run_awaits_an_answer_the_ai_is_silent() -> None:
    story = WorkflowStory(define(ASK, HELLO))
    story.customer_writes("سلام", 0)
    story.works(0.1)
    assert story.said == ["ایمیل شما چیست؟"]
    lease = story.now.lease
    assert lease is not None
    assert lease.holds_until == at(0.1) + timedelta(days=1)
    story.customer_writes("sara@shop.example", 5)
    assert story.now.questions == ()
    assert story.now.reply is None
    changed = [e for e in story.trail if isinstance(e, effects.ChangeCard)]
    assert changed[0].change.attributes == {"email": "sara@shop.example"}
    story.works(5.1)
    assert story.said == ["سلام سارا جان"]
    assert story.now.lease is None


def test_w3_an_answer_to_a_waiting_node_triggers_nothing() -> None:
    other = triggered_by(d.ReceiveMessage(keywords=("shop",)), BYE)
    story = WorkflowStory(triggered_by(d.NewCustomer(), ASK, HELLO), other)
    story.customer_writes("سلام", 0)
    story.works(0.1)
    story.customer_writes("shop sara@shop.example", 5)
    assert [run.workflow for run in story.runs()] == [next(iter(story.book))]
    assert story.finished == []


def test_a_wrong_answer_is_asked_again_in_an_event_of_its_own() -> None:
    story = WorkflowStory(define(ASK))
    story.customer_writes("سلام", 0)
    story.works(0.1)
    story.customer_writes("باشه", 5)
    assert len(story.said) == 1
    assert "ایمیل شما چیست؟" in story.said[0]
    assert story.now.questions == ()
    messages = [e for e in story.trail if isinstance(e, effects.RecordMessage)]
    assert len({message.position for message in messages}) == 2


def test_what_is_asked_back_is_answered_by_the_ai_and_then_asked_again() -> None:
    story = WorkflowStory(define(ASK))
    story.customer_writes("سلام", 0)
    story.works(0.1)
    story.customer_writes("برای چی ایمیل می‌خواید؟", 5)
    assert story.now.reply is not None
    story.reply_timer_fires(7)
    assert story.now.reply is not None
    job = story.now.reply.job
    assert job is not None
    story.ai_writes("برای رسید.", 8, job=job)
    assert story.said == ["ایمیل شما چیست؟"]
    assert story.now.lease is not None


def test_a_hand_over_of_what_was_asked_back_ends_the_run() -> None:
    story = WorkflowStory(define(ASK))
    story.customer_writes("سلام", 0)
    story.works(0.1)
    story.customer_writes("چرا؟ با مدیرتون کار دارم", 5)
    story.reply_timer_fires(7)
    assert story.now.reply is not None
    job = story.now.reply.job
    assert job is not None
    story.ai_writes("وصلتان می‌کنم.", 8, job=job, is_handover=True)
    assert [status for status, _ in story.finished] == ["cancelled"]
    assert story.now.status is Status.SUPPORT_ACTIVE


# --- People ------------------------------------------------------------------------


def test_a_persons_answer_ends_the_run_that_holds_the_right_to_reply() -> None:
    story = WorkflowStory(define(ASK, HELLO))
    story.customer_writes("سلام", 0)
    story.works(0.1)
    story.operator_answers("سلام، من اینجام", 5)
    assert story.finished == [("cancelled", "a person took over")]
    assert (story.runs(), story.now.lease) == ((), None)
    assert story.now.status is Status.SUPPORT_ACTIVE
    cleared = effects.ClearTimer(TimerKind.WORKFLOW)
    assert cleared in story.trail


def test_the_owners_answer_in_the_app_ends_it_as_well() -> None:
    story = WorkflowStory(define(ASK), source=Source.INSTAGRAM)
    story.customer_writes("سلام", 0)
    story.works(0.1)
    story.customer_writes("الان میگم", 100)
    story.echo_arrives("من جواب می‌دهم", 200, "owner-1")
    assert [status for status, _ in story.finished] == ["cancelled"]


@pytest.mark.parametrize("who", ["redirect", "status", "switch"])
def test_who_decides_about_the_lead_ends_the_lease(who: str) -> None:
    story = WorkflowStory(define(ASK))
    story.customer_writes("سلام", 0)
    story.works(0.1)
    match who:
        case "redirect":
            story.redirect(Destination.AI, 5)
        case "status":
            story.set_status(Status.CLOSED, 5)
        case _:
            story.switch_ai(5, on=True)
    assert [status for status, _ in story.finished] == ["cancelled"]
    assert story.now.lease is None


def test_a_delay_goes_on_when_a_person_answers() -> None:
    story = WorkflowStory(define(DELAY, HELLO))
    story.customer_writes("سلام", 0)
    story.works(0.1)
    story.operator_answers("سلام", 1)
    assert len(story.runs()) == 1
    story.falls_due()
    story.works(3.2)
    assert story.said == ["سلام سارا جان"]


def test_an_operator_may_end_a_run() -> None:
    story = WorkflowStory(define(ASK))
    story.customer_writes("قیمت؟", 0)
    story.works(0.1)
    (run,) = story.runs()
    story.apply(
        events.WorkflowCancelled(**story.head(5), run_id=run.id, user_id=OPERATOR)
    )
    assert story.finished == [("cancelled", "an operator ended it")]


# --- Redirects and the AI's switch -------------------------------------------------


@pytest.mark.parametrize("destination", list(Destination))
def test_a_redirect_is_the_apis_with_its_lines_and_counters(
    destination: Destination,
) -> None:
    to = d.RedirectTo(destination.value)
    story = WorkflowStory(define(action("go", d.RedirectConversation(to))))
    story.customer_writes("سلام", 0)
    story.works(0.1)
    by_hand = Story()
    by_hand.customer_writes("سلام", 0)
    by_hand.redirect(destination, 0.1)
    lines = [
        line for line in story.logged(LogName.WORKFLOW) if "[Workflow]" not in line
    ]
    assert lines == by_hand.logged(LogName.WORKFLOW)
    redirects = [one for one in story.counted if "redirect" in one[0]]
    assert redirects == [one for one in by_hand.counted if "redirect" in one[0]]
    assert (story.now.status, story.now.ai_enabled, story.now.department) == (
        by_hand.now.status,
        by_hand.now.ai_enabled,
        by_hand.now.department,
    )


def test_back_to_the_ai_goes_the_question_that_the_run_began_with() -> None:
    welcome = define(HELLO, action("ai", d.RedirectConversation(d.RedirectTo.AI)))
    story = WorkflowStory(welcome)
    story.customer_writes("قیمت پالتو کولاک چنده؟", 0, mid="first")
    story.works(0.1)
    assert story.said == ["سلام سارا جان"]
    assert story.now.questions == (story.message_of("first"),)
    assert story.now.reply is not None
    greeted = WorkflowStory(welcome)
    greeted.customer_writes("سلام", 0)
    greeted.works(0.1)
    assert (greeted.now.questions, greeted.now.reply) == ((), None)


def test_words_said_before_a_redirect_are_not_taken_back() -> None:
    go = action("go", d.TransferToHuman())
    story = WorkflowStory(define(HELLO, go), source=Source.TELEGRAM)
    story.customer_writes("سلام", 0)
    story.works(0.1)
    send = story.now.sends[0]
    story.send_timer_fires(0.1)
    story.apply(events.PartDelivered(**story.head(0.3), send_id=send.id, mid="out-1"))
    assert story.finished == [("completed", "")]
    assert story.now.status is Status.SUPPORT_ACTIVE
    assert story.now.needs_operator


# --- Delivery ----------------------------------------------------------------------


def test_the_next_node_waits_for_the_delivery_on_a_platform() -> None:
    story = WorkflowStory(define(HELLO, BYE), source=Source.INSTAGRAM)
    story.customer_writes("سلام", 0)
    story.works(0.1)
    assert story.said == ["سلام سارا جان"]
    send = story.now.sends[0]
    story.send_timer_fires(0.1)
    story.apply(events.PartDelivered(**story.head(0.3), send_id=send.id, mid="out-1"))
    assert story.said == ["خدانگهدار"]


def test_a_message_that_the_platform_refuses_follows_the_failure_edge() -> None:
    story = WorkflowStory(
        define(HELLO, TAG, edges="start>hello hello!failure>tag"),
        source=Source.TELEGRAM,
    )
    story.customer_writes("سلام", 0)
    story.works(0.1)
    send = story.now.sends[0]
    story.send_timer_fires(0.1)
    story.apply(
        events.PartRefused(
            **story.head(0.3), send_id=send.id, reason="blocked", permanent=True
        )
    )
    steps = [e.step for e in story.trail if isinstance(e, effects.RecordRunStep)]
    assert [(step.node, step.outcome.value) for step in steps] == [
        ("hello", "failed"),
        ("tag", "done"),
    ]


# --- Triggers ----------------------------------------------------------------------


def test_s7_a_bare_share_triggers_nothing() -> None:
    """S7: workflows fired on the bare share, and matched words of the caption."""
    shop = triggered_by(d.ReceiveMessage(keywords=("پالتو",)), HELLO)
    story = WorkflowStory(shop, define(TAG), source=Source.INSTAGRAM)
    story.customer_shares("پالتو زمستانی", 0)
    assert story.runs() == ()
    story.customer_writes("قیمتش چنده؟", 5)
    # The words alone are searched for keywords, not the caption.
    assert [run.node for run in story.runs()] == ["start"]
    assert story.runs()[0].occasion.text == "قیمتش چنده؟"
    assert story.runs()[0].workflow == list(story.book)[1]


def test_a_customer_whose_first_act_is_a_share_is_new_with_the_first_words() -> None:
    story = WorkflowStory(triggered_by(d.NewCustomer(), TAG), source=Source.INSTAGRAM)
    story.customer_shares("پالتو", 0)
    assert story.runs() == ()
    story.customer_writes("سلام", 5)
    assert len(story.runs()) == 1


def test_a_share_without_a_question_is_a_new_customer_once_it_is_dropped() -> None:
    story = WorkflowStory(triggered_by(d.NewCustomer(), TAG), source=Source.INSTAGRAM)
    story.customer_shares("پالتو", 0)
    story.share_timer_fires(120, due=120)
    assert len(story.runs()) == 1
    story.works(120.1)
    story.customer_writes("سلام", 200)
    assert story.runs() == ()


def test_a_customer_is_new_once() -> None:
    story = WorkflowStory(triggered_by(d.NewCustomer(), TAG))
    story.customer_writes("سلام", 0)
    story.works(0.1)
    story.customer_writes("باز هم من", 5)
    assert story.runs() == ()


def test_while_a_person_leads_messages_trigger_nothing_unless_it_is_asked_for() -> None:
    support = d.ConversationStatus.SUPPORT_ACTIVE
    always = triggered_by(d.ReceiveMessage(statuses=(support,)), TAG)
    story = WorkflowStory(define(HELLO), always)
    story.customer_writes("سلام", 0)
    story.operator_answers("سلام", 1)
    story.customer_writes("قیمت؟", 5)
    assert [run.workflow for run in story.runs()] == [list(story.book)[1]]


def test_a_picture_triggers_what_asks_for_no_words() -> None:
    keyed = triggered_by(d.ReceiveMessage(keywords=("سلام",)), TAG)
    story = WorkflowStory(keyed, define(HELLO))
    story.customer_sends(MessageType.IMAGE, 0)
    assert [run.workflow for run in story.runs()] == [list(story.book)[1]]


def test_a_new_tag_starts_workflows_by_an_operators_or_a_runs_hand() -> None:
    greet = triggered_by(d.AddTag(tags=("خریدار",)), HELLO)
    story = WorkflowStory(triggered_by(d.NewCustomer(), TAG), greet)
    story.customer_writes("سلام", 0)
    story.works(0.1)
    (run,) = story.runs()
    assert (run.occasion.tag, run.depth) == ("خریدار", 1)
    story.works(0.2)
    assert story.said == ["سلام سارا جان"]
    story.apply(
        events.CustomerEdited(
            **story.head(9),
            user_id=OPERATOR,
            fields=("tags",),
            added_tags=("خریدار",),
        )
    )
    assert [run.depth for run in story.runs()] == [0]


def test_a_tag_that_is_there_already_starts_nothing() -> None:
    greet = triggered_by(d.AddTag(), HELLO)
    story = WorkflowStory(triggered_by(d.NewCustomer(), TAG), greet)
    story.facts = Facts(tags=("خریدار",))
    story.customer_writes("سلام", 0)
    story.works(0.1)
    assert story.runs() == ()


def test_workflows_that_start_each_other_are_stopped_and_say_why() -> None:
    there = triggered_by(
        d.AddTag(tags=("a",)),
        action("x", d.UntagCustomer("b")),
        action("y", d.TagCustomer("b")),
    )
    back = triggered_by(
        d.AddTag(tags=("b",)),
        action("x", d.UntagCustomer("a")),
        action("y", d.TagCustomer("a")),
    )
    first = triggered_by(d.NewCustomer(), action("y", d.TagCustomer("a")))
    story = WorkflowStory(first, there, back)
    story.customer_writes("سلام", 0)
    for step in range(20):
        if not story.runs():
            break
        story.works(1 + step)
    assert story.runs() == ()
    assert [reason for _, reason in story.finished if "loop" in reason]
    assert f"{MAX_DEPTH} times" in str(story.finished)


def test_a_status_that_changed_starts_workflows() -> None:
    support = d.ConversationStatus.SUPPORT_ACTIVE
    notify = triggered_by(d.StatusChanged((support,)), TAG)
    story = WorkflowStory(notify)
    story.customer_writes("سلام", 0)
    story.redirect(Destination.SUPPORT, 1)
    assert len(story.runs()) == 1
    story.works(1.1)
    story.redirect(Destination.SALES, 2)
    assert story.runs() == ()


# --- Limits ------------------------------------------------------------------------


def test_a_workflow_runs_so_often_for_a_customer_as_its_limit_lets_it() -> None:
    limited = replace(define(TAG), limits=Limits(max_runs_per_customer=2))
    story = WorkflowStory(limited)
    for number in range(3):
        story.customer_writes("سلام", 10 * number)
        if story.runs():
            story.works(10 * number + 1)
    assert [count.count for count in story.now.run_counts] == [2]


def test_one_run_of_a_workflow_at_a_time() -> None:
    story = WorkflowStory(define(DELAY, HELLO))
    story.customer_writes("سلام", 0)
    story.works(0.1)
    story.customer_writes("سلام", 1)
    assert len(story.runs()) == 1


def test_two_waiting_workflows_ask_one_after_the_other() -> None:
    name = d.Waiting("name", "نام؟", "name")
    story = WorkflowStory(define(ASK), define(name))
    story.customer_writes("سلام", 0)
    story.works(0.1)
    first = [
        e
        for e in story.trail
        if isinstance(e, effects.RecordMessage) and e.written_by is not None
    ]
    assert len(first) == 1
    opening = next(run for run in story.runs() if run.asked is None)
    token = opening.tokens[0]
    story.apply(
        events.WorkflowReported(
            **story.head(0.2),
            run_id=opening.id,
            result=workflow.StepDone(token.step, facts=story.facts),
        )
    )
    assert story.said == []
    asked = next(run for run in story.runs() if run.asked is not None)
    answer = "a@b.example" if asked.asked and asked.asked.node == "ask" else "سارا"
    story.customer_writes(answer, 5)
    story.works(5.1)
    assert len(story.said) == 1


def test_a_version_that_is_gone_ends_its_runs() -> None:
    story = WorkflowStory(define(ASK))
    story.customer_writes("سلام", 0)
    story.works(0.1)
    story.book = {}
    story.customer_writes("a@b.example", 5)
    assert [status for status, _ in story.finished] == ["cancelled"]
    assert story.now.reply is not None


def test_a_delivery_that_nobody_will_ever_tell_of_goes_on() -> None:
    story = WorkflowStory(define(HELLO, BYE), source=Source.TELEGRAM)
    story.customer_writes("سلام", 0)
    story.works(0.1)
    send = story.now.sends[0]
    story.send_timer_fires(0.1)
    story.apply(
        events.PartOutcomeLost(**story.head(9), send_id=send.id, reason="no answer")
    )
    assert story.said == ["خدانگهدار"]


def test_a_text_that_another_runs_redirect_takes_back_follows_the_failure_edge() -> (
    None
):
    person = action("person", d.TransferToHuman())
    story = WorkflowStory(
        define(HELLO, TAG, edges="start>hello hello!failure>tag"),
        define(person),
        source=Source.TELEGRAM,
    )
    story.customer_writes("سلام", 0)
    first, second = story.runs()
    for number, run in enumerate((first, second)):
        step = run.tokens[0].step
        story.apply(
            events.WorkflowReported(
                **story.head(0.1 + number),
                run_id=run.id,
                result=workflow.StepDone(step, facts=story.facts),
            )
        )
    assert story.runs() == ()
    assert {status for status, _ in story.finished} == {"completed"}
    assert story.now.sends == ()
