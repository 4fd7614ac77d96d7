"""The one place where a conversation calls its workflows.

Theory of operation. Each event passes the conversation's own rules first. Then `follow`
tells the runs what it means to them (an answer, a timer, a delivery, a person who took
over), lets each advance by the pure rules of `actors/workflow/`, and turns the effects
into the conversation's own. So a run's step and all that it changes are in the
transaction of the event that moved it.

- Right to reply: a run that is about the customer's message, or awaits an answer, holds
  it (`Conversation.lease`), and the AI is silent meanwhile. Nobody has to give it back:
  it ends with the phase of the run's token, and each phase has a time limit.
- A message that a run took as its answer, or that a run answered, is no question any
  more. All others stay open, and are the AI's once the right to reply is free.
- A person who answers, or decides who leads, ends the runs that hold the right to
  reply, or wait for it. A delay goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import TypeAlias

from actors.conversation import effects, events
from actors.conversation.effects import Decision, Effect
from actors.conversation.rules import replies
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.reply_window import reply_window
from actors.conversation.rules.workflows.effects import carry_out
from actors.conversation.rules.workflows.meanings import (
    awaits_words,
    is_in,
    read_deliveries,
    read_meanings,
)
from actors.conversation.state import (
    MAX_QUESTIONS,
    Conversation,
    Processing,
    RunCount,
    TimerKind,
)
from actors.workflow import run as workflow
from actors.workflow.advance import advance
from actors.workflow.definition import (
    NO_GRAPH,
    ConversationStatus,
    Graph,
    Platform,
    RedirectTo,
    VersionRef,
)
from actors.workflow.run import Phase, Run, RunEvent, RunStatus
from persistence.ids import MessageId, RunId
from retrieval.dialogue.acts import Act, read_burst

#: The definitions that runs go through, by their versions.
Book: TypeAlias = Mapping[VersionRef, Graph]
NO_BOOK: Book = MappingProxyType({})
#: Runs of one conversation at once.
MAX_RUNS = 5
#: Workflows that start workflows, one behind the other.
MAX_DEPTH = 5
#: Workflows whose runs are counted for a customer; the oldest is forgotten.
MAX_COUNTS = 100
GONE = "the workflow's version is gone"
LOOP = f"workflows have started each other {MAX_DEPTH} times: this looks like a loop"


def follow(
    before: Conversation | None,
    decision: Decision,
    event: events.Event,
    policy: Policy,
    book: Book,
) -> Decision:
    """Let the workflows of a conversation follow an event that its rules decided."""
    state = decision.state
    if not state.runs and not isinstance(event, events.WorkflowTriggered):
        return decision
    if isinstance(event, events.CustomerErased):
        return decision
    stage = _Stage(state, list(decision.effects), event, policy, book)
    held = before is not None and before.lease is not None
    if isinstance(event, events.WorkflowTriggered):
        stage.begin(event)
    for run, meaning in read_meanings(decision, event):
        stage.advance(run, meaning)
    stage.pass_the_turn()
    return stage.finish(held=held, before=before)


@dataclass(slots=True)
class _Stage:
    """The conversation while its runs advance."""

    state: Conversation
    effects: list[Effect]
    event: events.Event
    policy: Policy
    book: Book
    #: Runs that are under way, and moved.
    moved: set[RunId] = field(default_factory=set)

    def begin(self, event: events.WorkflowTriggered) -> None:
        """Make the run of a trigger, unless a limit forbids it."""
        run = workflow.Run(
            id=event.run_id,
            workflow=event.workflow,
            node=event.node,
            occasion=event.occasion,
            started_at=event.at,
            text=event.occasion.text,
            depth=event.depth,
            tags=event.tags,
            max_running=event.max_running,
        )
        refusal = self._find_refusal(event)
        if refusal is not None:
            self._refuse(run, refusal)
            return
        self._count(event)
        self.state = replace(self.state, runs=(*self.state.runs, run))
        self.advance(run, workflow.Begun())

    def _find_refusal(self, event: events.WorkflowTriggered) -> str | None:
        state, workflow_id = self.state, event.workflow.workflow_id
        if event.depth > MAX_DEPTH:
            return LOOP
        if any(run.workflow.workflow_id == workflow_id for run in state.runs):
            return "a run of the workflow is under way for this customer"
        if len(state.runs) >= MAX_RUNS:
            return f"{MAX_RUNS} runs are under way for this customer"
        began = _count_of(state, event)
        limit = event.max_per_customer
        if limit is not None and began >= limit:
            return f"the workflow has run {began} times for this customer"
        graph = self.book.get(event.workflow)
        if graph is None or event.node not in graph.nodes:
            return GONE
        return None

    def _refuse(self, run: Run, reason: str) -> None:
        line = (
            f"[Workflow] workflow {run.workflow.workflow_id} did not begin for"
            f" conversation {self.state.id}: {reason}"
        )
        if reason == LOOP:
            # Of all refusals this one is a fault of the workflows: it is shown.
            refused = replace(run, status=RunStatus.REFUSED)
            self.effects.append(effects.RecordRun(refused, reason))
        self.effects += [
            effects.Count(effects.Counter.WORKFLOW_RUNS, RunStatus.REFUSED.value),
            effects.WriteLog(effects.LogName.WORKFLOW, line),
        ]

    def _count(self, event: events.WorkflowTriggered) -> None:
        workflow_id = event.workflow.workflow_id
        others = tuple(
            one for one in self.state.run_counts if one.workflow_id != workflow_id
        )
        count = RunCount(workflow_id, _count_of(self.state, event) + 1)
        counts = (*others, count)[-MAX_COUNTS:]
        self.state = replace(self.state, run_counts=counts)

    def advance(self, run: Run, meaning: RunEvent) -> None:
        """Advance a run, as it stands by now, and carry out what it orders."""
        found = [one for one in self.state.runs if one.id == run.id]
        if not found:
            return
        graph = self.book.get(run.workflow)
        if graph is None:
            meaning = workflow.Cancelled(GONE)
            graph = NO_GRAPH
        advanced = advance(
            found[0], meaning, self.event.at, graph, self._scene(found[0])
        )
        self._put(advanced.run)
        self.moved.add(advanced.run.id)
        if advanced.took_message and isinstance(self.event, events.CustomerWrote):
            self._close(events.message_id_of(self.event))
        if advanced.run.has_spoken and not found[0].has_spoken:
            self._close_occasion(advanced.run)
        done = carry_out(
            self.state, advanced.run, advanced.effects, self.event.at, self.policy
        )
        self.state = done.state
        self.effects += done.effects
        if workflow.Redirect(RedirectTo.AI) in advanced.effects:
            self._reopen_occasion(advanced.run)
        # A redirect takes back what waits to be sent, of other runs as well.
        for other in self.state.runs:
            for told in read_deliveries(Decision(self.state, done.effects), other):
                self.advance(other, told)

    def _put(self, run: Run) -> None:
        """Keep the run; one that has ended goes."""
        runs = tuple(
            run if one.id == run.id else one
            for one in self.state.runs
            if one.id != run.id or run.status is RunStatus.RUNNING
        )
        self.state = replace(self.state, runs=runs)

    def _scene(self, run: Run) -> workflow.Scene:
        state = self.state
        window = reply_window(state.source, state.last_customer_at)
        return workflow.Scene(
            platform=Platform(state.source.value),
            status=ConversationStatus(state.status.value),
            may_ask=all(not awaits_words(one) for one in state.runs if one != run),
            may_write=window is None or self.event.at <= window.until,
        )

    def _close_occasion(self, run: Run) -> None:
        """Close what the run began with, which it has answered.

        After a delay it is about something else, and what a person leads stays theirs.
        """
        message_id = run.occasion.message_id
        if message_id is not None and not run.is_late and self.state.is_led_by_ai:
            self._close(message_id)

    def _reopen_occasion(self, run: Run) -> None:
        """Leave the AI the question that the run began with, if that asks anything."""
        state, message = self.state, run.occasion.message_id
        if message is None or run.is_late or message in state.questions:
            return
        unsent = {
            events.customer_message_id(state.id, mid) for mid in state.unsent_mids
        }
        if (
            message in unsent
            or Act.QUESTION not in read_burst((run.occasion.text,)).acts
        ):
            return
        questions = (message, *state.questions)[:MAX_QUESTIONS]
        self.state = replace(state, questions=questions)
        self.effects.append(effects.MarkMessages((message,), Processing.PENDING))

    def _close(self, message: MessageId) -> None:
        """Take a message from the open questions."""
        state = self.state
        if message not in state.questions:
            return
        self.state = replace(
            state,
            questions=tuple(one for one in state.questions if one != message),
            combined=tuple(one for one in state.combined if one.question != message),
        )
        self.effects.append(effects.MarkMessages((message,), Processing.COMPLETED))

    def pass_the_turn(self) -> None:
        """Let a queued question be asked, where nobody else has the right to reply."""
        for run in self.state.runs:
            state = self.state
            if state.lease is not None or any(map(awaits_words, state.runs)):
                return
            if is_in(run, Phase.QUEUED):
                self.advance(run, workflow.ReplyFreed())

    def finish(self, *, held: bool, before: Conversation | None) -> Decision:
        """Set the timer, and settle who may answer."""
        self._set_timer(before)
        state = self.state
        self.effects += [
            effects.RecordRun(run) for run in state.runs if run.id in self.moved
        ]
        if state.reply is not None and not (state.ai_may_answer and state.questions):
            self.state, stopped = replies.stop_reply(state, "workflow")
            self.effects += stopped
        elif held and state.ai_may_answer:
            waiting = replies.answer_what_waits(state, self.event.at, self.policy)
            self.state = waiting.state
            self.effects += waiting.effects
        return Decision(self.state, tuple(self.effects))

    def _set_timer(self, before: Conversation | None) -> None:
        was = None if before is None else _due_at(before)
        due_at = _due_at(self.state)
        fired = isinstance(self.event, events.WorkflowFellDue)
        if due_at is None:
            if was is not None:
                self.effects.append(effects.ClearTimer(TimerKind.WORKFLOW))
        elif due_at != was or fired:
            self.effects.append(effects.SetTimer(TimerKind.WORKFLOW, due_at))


def _due_at(state: Conversation) -> datetime | None:
    return min(
        (run.due_at for run in state.runs if run.due_at is not None), default=None
    )


def _count_of(state: Conversation, event: events.WorkflowTriggered) -> int:
    """Return how many runs of the workflow began for the customer."""
    for one in state.run_counts:
        if one.workflow_id == event.workflow.workflow_id:
            return one.count
    return 0
