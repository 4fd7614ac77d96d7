"""A run in a test: a definition, a clock, and what the run ordered."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from actors.workflow import run as workflow
from actors.workflow.advance import advance
from actors.workflow.definition import Action as AnyAction
from actors.workflow.definition import (
    ActionNode,
    Condition,
    Connection,
    ConversationStatus,
    Definition,
    EdgeKind,
    Platform,
    ReceiveMessage,
    TriggerKind,
    VersionRef,
    Waiting,
    When,
    build_graph,
)
from actors.workflow.run import Facts, Occasion, Perform, Run, RunEffect, RunEvent
from persistence.ids import MessageId, RunId, WorkflowId

NOON = datetime(2026, 3, 25, 12, tzinfo=UTC)
REF = VersionRef(WorkflowId(UUID(int=1)), 1)
Found = TypeVar("Found", bound=RunEffect)


def define(
    *nodes: When | Condition | ActionNode | Waiting,
    edges: str = "",
) -> Definition:
    """Build a definition that begins with any message at the node `start`.

    `edges`: words such as `a>b` and `a!failure>b`; without any, the nodes stand in a
    row.
    """
    begin = When("start", ReceiveMessage())
    if not edges:
        names = ["start", *(node.id for node in nodes)]
        edges = " ".join(f"{a}>{b}" for a, b in itertools.pairwise(names))
    connections = []
    for edge in edges.split():
        source, target = edge.split(">")
        name, _, kind = source.partition("!")
        connections.append(Connection(name, target, EdgeKind(kind or "success")))
    return Definition((begin, *nodes), tuple(connections))


def action(name: str, what: AnyAction) -> ActionNode:
    """Build the node of an action."""
    return ActionNode(name, what)


class Going:
    """A run on its way; each step checks what holds for every run."""

    def __init__(
        self,
        definition: Definition,
        facts: Facts | None = None,
        *,
        text: str = "سلام",
        platform: Platform = Platform.TELEGRAM,
    ) -> None:
        self.graph = build_graph(definition)
        self.now = NOON
        self.scene = workflow.Scene(platform, ConversationStatus.ACTIVE)
        self.facts = facts or Facts(first_name="سارا")
        occasion = Occasion(TriggerKind.RECEIVE_MESSAGE, MessageId(UUID(int=2)), text)
        self.run = Run(RunId(UUID(int=3)), REF, "start", occasion, self.now, text=text)
        #: What was ordered by the newest event, and by all of them.
        self.effects: tuple[RunEffect, ...] = ()
        self.all: list[RunEffect] = []
        self.took_message = False

    def begin(self) -> "Going":
        """Begin and be admitted."""
        self.send(workflow.Begun())
        return self.read()

    def send(self, event: RunEvent) -> tuple[RunEffect, ...]:
        """Apply an event."""
        advanced = advance(self.run, event, self.now, self.graph, self.scene)
        self.run, self.effects = advanced.run, advanced.effects
        self.took_message = advanced.took_message
        self.all += advanced.effects
        check_run(self.run)
        return advanced.effects

    def read(self) -> "Going":
        """Answer the newest reading of facts."""
        step = self.last(Perform).step
        self.send(workflow.StepDone(step, facts=self.facts))
        return self

    def deliver(self) -> "Going":
        """Report the newest text as delivered."""
        self.send(workflow.StepDone(self.last(workflow.SendText).step))
        return self

    def answer(self, text: str, *, is_question: bool = False) -> "Going":
        """Let the customer write."""
        self.send(workflow.Answered(text, looks_like_question=is_question))
        return self

    def wait(self, pause: timedelta) -> "Going":
        """Let time pass, and the timer fire if it is due."""
        self.now += pause
        if self.run.due_at is not None and self.run.due_at <= self.now:
            self.send(workflow.TimerFired())
        return self

    def lead(self, **changes: object) -> "Going":
        """Change what the conversation tells."""
        self.scene = replace(self.scene, **changes)  # type: ignore[arg-type]
        return self

    def last(self, kind: type[Found]) -> Found:
        """Return the newest effect of a kind."""
        return self.of(kind)[-1]

    def of(self, kind: type[Found]) -> list[Found]:
        """Return all effects of a kind."""
        return [effect for effect in self.all if isinstance(effect, kind)]

    @property
    def said(self) -> list[str]:
        """The texts to the customer."""
        return [effect.text for effect in self.of(workflow.SendText)]

    @property
    def path(self) -> list[str]:
        """The steps that ended: node, outcome, and the edge that was followed."""
        return [
            f"{step.node}:{step.outcome}:{step.edge or '-'}"
            for step in self.of(workflow.RecordStep)
        ]


def check_run(run: Run) -> None:
    """Check what holds for every run after every event."""
    is_over = run.status is not workflow.RunStatus.RUNNING
    assert is_over is not bool(run.tokens), "a run ends, or waits with a timer"
    assert len({token.id for token in run.tokens}) == len(run.tokens)
    steps = [token.step for token in run.tokens]
    assert len(set(steps)) == len(steps), "a step belongs to one token"
    asked = [token for token in run.tokens if token.phase is workflow.Phase.ASKED]
    assert len(asked) <= 1
