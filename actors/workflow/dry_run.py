"""Dry runs: what a workflow would have done in a past conversation; pure.

The customer's messages are replayed, in their order and at their times, and the
very rules of `advance` decide. What lies outside is assumed, and each step says so:
messages are delivered, webhooks and e-mails succeed, webhooks answer with empty values,
and no model is asked, so that its conditions take the branch `failure`. The customer's
card is that of today.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from actors.workflow import run as workflow
from actors.workflow.advance import advance
from actors.workflow.definition import (
    ConversationStatus,
    EdgeKind,
    Platform,
    RedirectTo,
    TriggerKind,
    build_graph,
)
from actors.workflow.run import (
    Facts,
    Occasion,
    Outcome,
    Phase,
    Run,
    RunEvent,
    RunStatus,
)
from actors.workflow.triggers import (
    ActiveWorkflow,
    Start,
    compile_triggers,
    find_message_starts,
)
from persistence.ids import RunId

#: Events of one conversation; a workflow that needs more is cut off.
MAX_EVENTS = 500
MAX_TEXTS = 50
MAX_TEXT_CHARS = 500
WEBHOOK_ASSUMED = "assumed: the webhook succeeded; what it answers is not known"
MAIL_ASSUMED = "assumed: the e-mail was sent"
JUDGE_ASSUMED = "not known: no model is asked in a dry run"
NO_TAG = "the customer has none of the tags"
TAKEN_OVER = "a person answered"
CUT = "the rest is not shown: the workflow did too much for a dry run"
#: Triggers that a customer's message can set off.
BY_MESSAGE = frozenset({TriggerKind.RECEIVE_MESSAGE, TriggerKind.NEW_CUSTOMER})


class Author(StrEnum):
    """Who wrote a past message."""

    CUSTOMER = "customer"
    #: An operator, or the owner from the platform's own app.
    PERSON = "person"
    #: The AI, or a workflow.
    OURS = "ours"


@dataclass(frozen=True, slots=True)
class PastMessage:
    """A message of a past conversation.

    `is_text` is false for pictures, voices and the like; a share begins nothing.
    """

    text: str
    at: datetime
    author: Author = Author.CUSTOMER
    is_text: bool = True
    is_share: bool = False


@dataclass(frozen=True, slots=True)
class PastConversation:
    """A past conversation: its messages, oldest first, and how it stands now."""

    platform: Platform
    status: ConversationStatus
    messages: tuple[PastMessage, ...]
    #: Timers run until then.
    until: datetime
    facts: Facts = field(default_factory=Facts)
    #: The first message is the first that the customer ever wrote.
    is_whole: bool = True
    #: How long after the customer's message the platform takes automatic ones.
    window: timedelta | None = None


@dataclass(frozen=True, slots=True)
class PathStep:
    """One step of a path. `edge` is None where no connection was there to follow."""

    at: datetime
    node: str
    outcome: Outcome
    edge: EdgeKind | None
    why: str


@dataclass(frozen=True, slots=True)
class Path:
    """One run: what began it, its steps, what it wrote, and how it ended.

    A run that still waits has the status `running`.
    """

    node: str
    trigger: TriggerKind
    started_at: datetime
    status: RunStatus = RunStatus.RUNNING
    reason: str = ""
    steps: tuple[PathStep, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a workflow would have done in a conversation."""

    paths: tuple[Path, ...]
    #: Where it would have left the conversation; as it is, where it changed nothing.
    status: ConversationStatus
    real_status: ConversationStatus
    #: What was left out, if anything was.
    note: str = ""
    #: How much was to be done for it.
    events: int = 0

    @property
    def is_triggered(self) -> bool:
        """Whether a run would have begun."""
        return any(path.status is not RunStatus.REFUSED for path in self.paths)

    @property
    def ends_otherwise(self) -> bool:
        """Whether the conversation would have ended in another status.

        One that is closed was closed by somebody, who would have closed it anyway.
        """
        is_closed = self.real_status is ConversationStatus.CLOSED
        return self.is_triggered and not is_closed and self.status != self.real_status


class Simulator:
    """A workflow, ready to be simulated in past conversations.

    `asks` tells whether a text looks like a question, which the AI would answer.
    """

    def __init__(self, active: ActiveWorkflow, asks: Callable[[str], bool]) -> None:
        self.ref = active.ref
        self.graph = build_graph(active.definition)
        self.table = compile_triggers((active,))
        self.asks = asks

    def simulate(
        self, past: PastConversation, *, max_events: int = MAX_EVENTS
    ) -> DryRun:
        """Simulate the workflow in one conversation."""
        stage = _Stage(self, past, max_events, past.facts)
        for message in past.messages:
            stage.pass_time(message.at)
            stage.hear(message)
        stage.pass_time(past.until)
        return stage.finish()


@dataclass(slots=True)
class _Stage:
    """The conversation while its messages are replayed."""

    simulator: Simulator
    past: PastConversation
    max_events: int
    #: The customer's card, which the workflow changes.
    facts: Facts
    status: ConversationStatus = ConversationStatus.ACTIVE
    #: The workflow has decided who leads.
    has_led: bool = False
    run: Run | None = None
    path: Path | None = None
    paths: list[Path] = field(default_factory=list)
    begun: int = 0
    events: int = 0
    heard_at: datetime | None = None
    note: str = ""

    def pass_time(self, until: datetime) -> None:
        """Let the timers fall due that lie before."""
        while self.run is not None and not self.note:
            due_at = self.run.due_at
            if due_at is None or due_at > until:
                return
            self.tell(workflow.TimerFired(), due_at)

    def hear(self, message: PastMessage) -> None:
        """Replay one message."""
        if message.is_share or self.note:
            return
        match message.author:
            case Author.CUSTOMER:
                is_new = self.heard_at is None and self.past.is_whole
                self.heard_at = message.at
                if self.run is not None and _awaits_words(self.run):
                    self.tell(self._as_answer(message), message.at)
                else:
                    self._trigger(message, is_new=is_new)
            case Author.PERSON:
                self.status = ConversationStatus.SUPPORT_ACTIVE
                if self.run is not None and not _only_delays(self.run):
                    self.tell(workflow.Cancelled(TAKEN_OVER), message.at)
            case Author.OURS:
                return

    def _as_answer(self, message: PastMessage) -> workflow.Answered:
        is_text = message.is_text and bool(message.text.strip())
        is_ai_there = self.status is ConversationStatus.ACTIVE
        return workflow.Answered(
            message.text,
            is_text=is_text,
            looks_like_question=is_text
            and is_ai_there
            and self.simulator.asks(message.text),
        )

    def _trigger(self, message: PastMessage, *, is_new: bool) -> None:
        starts = find_message_starts(
            self.simulator.table,
            message.text,
            self.past.platform,
            self.status,
            is_new_customer=is_new,
            is_text=message.is_text,
        )
        start = next(iter(starts), None)
        if start is None or self.run is not None:
            return
        limit = start.limits.max_runs_per_customer
        if limit is None or self.begun < limit:
            self._begin(start, message)

    def _begin(self, start: Start, message: PastMessage) -> None:
        self.begun += 1
        self.path = Path(start.node, start.kind, message.at)
        self.run = Run(
            id=RunId(UUID(int=self.begun)),
            workflow=self.simulator.ref,
            node=start.node,
            occasion=Occasion(start.kind, text=message.text),
            started_at=message.at,
            text=message.text,
            tags=start.tags,
        )
        self.tell(workflow.Begun(), message.at)

    def tell(self, event: RunEvent, at: datetime) -> None:
        """Tell the run an event, and all that follows from it at once."""
        waiting = deque([event])
        while waiting and self.run is not None:
            if self.events >= self.max_events:
                self.note = CUT
                return
            self.events += 1
            advanced = advance(
                self.run, waiting.popleft(), at, self.simulator.graph, self._scene(at)
            )
            self.run = advanced.run
            for effect in advanced.effects:
                waiting.extend(self._carry_out(effect, at))

    def _scene(self, at: datetime) -> workflow.Scene:
        window, heard_at = self.past.window, self.heard_at
        may_write = window is None or heard_at is None or at <= heard_at + window
        return workflow.Scene(self.past.platform, self.status, may_write=may_write)

    def _carry_out(
        self, effect: workflow.RunEffect, at: datetime
    ) -> tuple[RunEvent, ...]:
        """Note what the run ordered; return what comes of it."""
        match effect:
            case workflow.RecordStep():
                self._add_step(effect, at)
            case workflow.SendText():
                self._add_text(effect.text)
                return (workflow.StepDone(effect.step),) if effect.is_awaited else ()
            case workflow.ChangeCard():
                self._change_card(effect)
            case workflow.Redirect(destination):
                is_ai = destination is RedirectTo.AI
                self._lead(is_ai=is_ai)
            case workflow.SwitchAi(ai_enabled):
                if ai_enabled:
                    self._lead(is_ai=True)
            case workflow.LetAiAnswer():
                return (workflow.AiAnswered(),)
            case workflow.Perform():
                return (self._assume(effect),)
            case workflow.FinishRun():
                self._end(effect.status, effect.reason)
            case _:
                assert_never(effect)
        return ()

    def _assume(self, effect: workflow.Perform) -> RunEvent:
        """Return what the work outside is assumed to bring."""
        step, work = effect.step, effect.work
        match work:
            case workflow.OpenRun(tags=tags):
                if tags and not set(tags) & set(self.facts.tags):
                    return workflow.Refused(NO_TAG)
                return workflow.StepDone(step, facts=self.facts)
            case workflow.ReadFacts():
                return workflow.StepDone(step, facts=self.facts)
            case workflow.CallWebhook(save=save):
                values = dict.fromkeys(save, "")
                return workflow.StepDone(step, values, detail=WEBHOOK_ASSUMED)
            case workflow.SendMail():
                return workflow.StepDone(step, detail=MAIL_ASSUMED)
            case workflow.JudgeText():
                return workflow.StepFailed(step, JUDGE_ASSUMED, is_permanent=True)
            case _:
                assert_never(work)

    def _change_card(self, change: workflow.ChangeCard) -> None:
        kept = [tag for tag in self.facts.tags if tag not in change.remove_tags]
        self.facts = replace(
            self.facts,
            tags=tuple(dict.fromkeys((*kept, *change.add_tags))),
            attributes={**self.facts.attributes, **change.attributes},
        )

    def _lead(self, *, is_ai: bool) -> None:
        status = ConversationStatus
        self.status = status.ACTIVE if is_ai else status.SUPPORT_ACTIVE
        self.has_led = True

    def _add_step(self, effect: workflow.RecordStep, at: datetime) -> None:
        if self.path is not None:
            step = PathStep(at, effect.node, effect.outcome, effect.edge, effect.detail)
            self.path = replace(self.path, steps=(*self.path.steps, step))

    def _add_text(self, text: str) -> None:
        if self.path is not None and len(self.path.texts) < MAX_TEXTS:
            texts = (*self.path.texts, text[:MAX_TEXT_CHARS])
            self.path = replace(self.path, texts=texts)

    def _end(self, status: RunStatus, reason: str) -> None:
        if self.path is not None:
            self.paths.append(replace(self.path, status=status, reason=reason))
        self.path = self.run = None

    def finish(self) -> DryRun:
        """Return what was simulated."""
        paths = tuple(self.paths) if self.path is None else (*self.paths, self.path)
        real = self.past.status
        status = self.status if self.has_led else real
        return DryRun(paths, status, real, self.note, self.events)


def _awaits_words(run: Run) -> bool:
    return any(token.phase in {Phase.ASKED, Phase.AI_ANSWERS} for token in run.tokens)


def _only_delays(run: Run) -> bool:
    return all(token.phase is Phase.DELAYED for token in run.tokens)
