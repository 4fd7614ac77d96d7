"""The examples of docs/workflows.md are played as they stand there."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import get_args
from uuid import UUID

import pytest

from actors.conversation import effects, events
from actors.conversation.state import Destination
from actors.workflow import definition as d
from actors.workflow import run as workflow
from actors.workflow.definition import BusinessHours, OpenHours, TriggerKind, VersionRef
from actors.workflow.documents import read_definition, render_schema
from actors.workflow.run import Facts, Occasion
from actors.workflow.validation import validate
from persistence.ids import WorkflowId
from tests.support.conversation.conversations import NOON, OPERATOR
from tests.support.workflow.story import WorkflowStory

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs/workflows.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(json)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CLOSED = BusinessHours("Asia/Tehran", ((),) * 6 + ((OpenHours("00:00", "00:01"),),))


def examples() -> Iterator[tuple[str, str]]:
    """Yield each definition with one conversation."""
    definition = ""
    for match in _BLOCK.finditer(PAGE):
        if match[1]:
            definition = match[2]
        else:
            yield definition, match[2]


class Played:
    """A conversation that is played line by line."""

    def __init__(self, definition: d.Definition) -> None:
        self.story = WorkflowStory(definition)
        self.story.facts = Facts("سارا", "محمدی", tenant_name="گالری مهر")
        self.now = 0.0
        self.said: list[str] = []
        self.ends: list[str] = []
        self.outside: list[effects.PerformWork] = []
        self.mails: list[str] = []

    def after(self) -> None:
        """Note what came of the last event, and let the database answer."""
        story = self.story
        for effect in tuple(story.trail):
            match effect:
                case effects.RecordMessage(written_by=by) if by is not None:
                    self.said.append(effect.content.replace("\n", " / "))
                case effects.RecordRun(run=run) if not run.tokens:
                    self.ends.append(run.status.value)
                case effects.ChangeCard(change=change):
                    self.change(change)
                case effects.PerformWork():
                    self.work(effect)
                case _:
                    pass

    def change(self, change: workflow.ChangeCard) -> None:
        """Change the card, as the transaction does."""
        facts = self.story.facts
        tags = (*facts.tags, *change.add_tags)
        self.story.facts = replace(
            facts,
            tags=tuple(tag for tag in tags if tag not in change.remove_tags),
            attributes={**facts.attributes, **change.attributes},
        )

    def work(self, ordered: effects.PerformWork) -> None:
        """Read facts at once; what lies outside is told by the next lines."""
        if isinstance(ordered.perform.work, workflow.OpenRun | workflow.ReadFacts):
            step = ordered.perform.step
            done = workflow.StepDone(step, facts=self.story.facts)
            self.story.reports(ordered, done, self.now)
            self.after()
        else:
            self.outside.append(ordered)

    # --- Lines of a conversation -----------------------------------------------

    def customer(self, text: str) -> None:
        """The customer writes."""
        self.now += 1
        self.story.customer_writes(text, self.now)
        self.after()

    def shop(self, text: str) -> None:
        """The workflow has written this next."""
        assert self.said, f"nothing was said, and not: {text}"
        assert self.said.pop(0) == text

    def operator(self, text: str) -> None:
        """An operator answers."""
        self.now += 1
        self.story.operator_answers(text, self.now)
        self.after()

    def operator_tags(self, tag: str) -> None:
        """An operator tags the customer, who has written before."""
        self.customer("سلام")
        edited = events.CustomerEdited(
            **self.story.head(self.now),
            user_id=OPERATOR,
            fields=("tags",),
            added_tags=(tag,),
        )
        self.story.apply(edited)
        self.after()

    def operator_redirects(self, destination: str) -> None:
        """An operator hands the conversation over."""
        self.now += 1
        self.story.redirect(Destination(destination), self.now)
        self.after()

    def ai_answers(self, text: str) -> None:
        """The AI answers what is open."""
        self.now += 3
        self.story.reply_timer_fires(self.now)
        assert self.story.now.reply is not None
        job = self.story.now.reply.job
        assert job is not None
        self.story.ai_writes(text, self.now, job=job)
        self.after()

    def wait(self, pause: str) -> None:
        """Time passes, and the workflow's timer fires."""
        amount, unit = pause.split()
        self.now += timedelta(**{unit: int(amount)}).total_seconds()
        due_at = min(run.due_at for run in self.story.runs() if run.due_at is not None)
        assert due_at <= NOON + timedelta(seconds=self.now)
        self.story.apply(
            events.WorkflowFellDue(**self.story.head(self.now), due_at=due_at)
        )
        self.after()

    def begins(self, node: str) -> None:
        """The schedule, or the API, begins the workflow."""
        ref = VersionRef(WorkflowId(UUID(int=100)), 1)
        started = events.WorkflowTriggered(
            **self.story.head(self.now),
            workflow=ref,
            node=node,
            occasion=Occasion(TriggerKind.MANUAL),
        )
        self.story.apply(started)
        self.after()

    def calls(self, url: str) -> None:
        """A webhook is called."""
        work = self.outside[-1].perform.work
        assert isinstance(work, workflow.CallWebhook)
        assert work.url == url

    def webhook_answers(self, values: str) -> None:
        """The webhook succeeds."""
        key, value = values.split("=")
        ordered = self.outside.pop()
        done = workflow.StepDone(ordered.perform.step, {key: value})
        self.story.reports(ordered, done, self.now)
        self.after()

    def webhook_fails(self, reason: str) -> None:
        """The webhook fails for now."""
        ordered = self.outside.pop()
        failed = workflow.StepFailed(ordered.perform.step, reason)
        self.story.reports(ordered, failed, self.now)
        self.after()

    def model_says(self, verdict: str) -> None:
        """The model answers the condition's question."""
        ordered = self.outside.pop()
        done = workflow.StepDone(ordered.perform.step, verdict=verdict == "yes")
        self.story.reports(ordered, done, self.now)
        self.after()

    def model_fails(self, reason: str) -> None:
        """There is no judgement."""
        ordered = self.outside.pop()
        step = ordered.perform.step
        failed = workflow.StepFailed(step, reason, is_permanent=True)
        self.story.reports(ordered, failed, self.now)
        self.after()

    def sends_mail(self, subject: str) -> None:
        """An e-mail leaves."""
        ordered = self.outside.pop()
        work = ordered.perform.work
        assert isinstance(work, workflow.SendMail)
        assert work.subject == subject
        done = workflow.StepDone(ordered.perform.step)
        self.story.reports(ordered, done, self.now)
        self.after()

    def hours(self, what: str) -> None:
        """The business is closed."""
        assert what == "closed"
        self.story.facts = replace(self.story.facts, hours=CLOSED)

    def status(self, status: str) -> None:
        """The conversation has this status."""
        assert self.story.now.status.value == status

    def ai(self, switch: str) -> None:
        """The AI is on or off."""
        assert self.story.now.ai_enabled is (switch == "on")

    def tags(self, tags: str) -> None:
        """The customer has these tags."""
        assert self.story.facts.tags == tuple(tags.split("، "))

    def attributes(self, text: str) -> None:
        """The customer has this attribute."""
        key, value = text.split("=")
        assert self.story.facts.attributes[key] == value

    def finish(self, status: str) -> None:
        """The run has ended so."""
        assert self.ends == [status]


def lines_of(played: Played) -> Mapping[str, Callable[[str], None]]:
    """Return what each line of an example does."""
    return {
        "customer": played.customer,
        "shop": played.shop,
        "operator": played.operator,
        "operator tags": played.operator_tags,
        "operator redirects": played.operator_redirects,
        "ai answers": played.ai_answers,
        "wait": played.wait,
        "begins": played.begins,
        "calls": played.calls,
        "webhook answers": played.webhook_answers,
        "webhook fails": played.webhook_fails,
        "model says": played.model_says,
        "model fails": played.model_fails,
        "mails": played.sends_mail,
        "hours": played.hours,
        "status": played.status,
        "ai": played.ai,
        "tags": played.tags,
        "attributes": played.attributes,
        "ends": played.finish,
    }


@pytest.mark.parametrize(
    ("document", "conversation"), [*examples()], ids=lambda text: text[:24].strip()
)
def test_an_example_goes_as_it_is_told(document: str, conversation: str) -> None:
    definition = read_definition(document)
    assert validate(definition, NOON, "Asia/Tehran") == ()
    played = Played(definition)
    lines = lines_of(played)
    for line in conversation.splitlines():
        name, text = line.split(": ", 1)
        lines[name](text)
    assert played.said == []
    assert played.ends, "an example tells how it ends"


def test_there_is_an_example_of_every_node_trigger_and_action() -> None:
    kinds = set(re.findall(r'"kind": "(\w+)"', PAGE))
    assert set(d.TriggerKind) <= kinds
    assert _kinds_of(get_args(d.Action)[0]) <= kinds
    assert _kinds_of(get_args(d.Clause)[0]) <= kinds
    assert set(re.findall(r'"type": "(\w+)"', PAGE)) >= {
        "when",
        "condition",
        "action",
        "waiting",
    }


def _kinds_of(union: object) -> set[str]:
    """Return the kinds of a discriminated union, by the defaults of their fields."""
    return {
        str(one.default)
        for member in get_args(union)
        for one in fields(member)
        if one.name == "kind"
    }


def test_the_published_schema_is_that_of_the_types() -> None:
    published = (ROOT / "docs/workflow.schema.json").read_text(encoding="utf-8")
    assert published == render_schema(), (
        "python -c 'from actors.workflow.documents import render_schema;"
        ' print(render_schema(), end="")\' > docs/workflow.schema.json'
    )
