"""A conversation with workflows, for rule tests: the shard's part is played here."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from actors.conversation import effects, events
from actors.conversation.effects import Decision, Effect
from actors.conversation.rules.decide import decide
from actors.conversation.rules.workflows.triggers import find_starts
from actors.conversation.state import (
    Source,
    TimerKind,
    check_invariants,
)
from actors.workflow import run as workflow
from actors.workflow.definition import (
    Definition,
    Graph,
    VersionRef,
    build_graph,
)
from actors.workflow.run import Facts
from actors.workflow.triggers import ActiveWorkflow, compile_triggers
from persistence.ids import WorkflowId
from tests.support.conversation.conversations import Story
from tests.support.conversation.customer_story import NOON


class WorkflowStory(Story):
    """A conversation of a tenant that has these workflows, all active."""

    def __init__(
        self, *definitions: Definition, source: Source = Source.WEBSITE
    ) -> None:
        super().__init__(source)
        refs = [
            VersionRef(WorkflowId(UUID(int=100 + number)), 1)
            for number in range(len(definitions))
        ]
        active = [
            ActiveWorkflow(ref, definition)
            for ref, definition in zip(refs, definitions, strict=True)
        ]
        self.table = compile_triggers(active)
        self.book: Mapping[VersionRef, Graph] = {
            one.ref: build_graph(one.definition) for one in active
        }
        self.facts = Facts(first_name="سارا")
        #: The effects of the newest event from outside, and of all that followed.
        self.trail: list[Effect] = []
        self._work: list[effects.PerformWork] = []
        self._is_following = False

    def apply(self, event: events.Event) -> Decision:
        """Decide on the event, and on what follows from it."""
        is_first = not self._is_following
        if is_first:
            self.trail = []
        before = self.state
        decision = decide(self.state, event, self.policy, self.book)
        check_invariants(decision.state)
        self.state = decision.state
        self.trail += decision.effects
        self._work += [
            effect
            for effect in decision.effects
            if isinstance(effect, effects.PerformWork)
        ]
        self._is_following = True
        following: list[events.Event] = [
            one.event for one in decision.effects if isinstance(one, effects.Raise)
        ]
        following += find_starts(self.table, before, event, decision)
        for follower in following:
            self.apply(follower)
        self._is_following = not is_first
        self.effects = tuple(self.trail)
        return Decision(self.now, self.effects)

    def runs(self) -> tuple[workflow.Run, ...]:
        """Return the runs that are under way."""
        return self.now.runs

    @property
    def work(self) -> effects.PerformWork:
        """Return the newest work that was ordered."""
        return self._work[-1]

    def works(self, seconds: float, **values: str) -> Decision:
        """The newest work succeeds; readings bring the facts."""
        work = self.work
        is_reading = isinstance(
            work.perform.work, workflow.OpenRun | workflow.ReadFacts
        )
        result = workflow.StepDone(
            work.perform.step, values, self.facts if is_reading else None
        )
        return self.reports(work, result, seconds)

    def reports(
        self,
        work: effects.PerformWork,
        result: workflow.StepDone | workflow.StepFailed | workflow.Refused,
        seconds: float,
    ) -> Decision:
        """The work comes to a result."""
        return self.apply(
            events.WorkflowReported(
                **self.head(seconds), run_id=work.run.id, result=result
            )
        )

    def falls_due(self) -> Decision:
        """The workflow timer fires when it is due."""
        due_at = min(run.due_at for run in self.now.runs if run.due_at is not None)
        seconds = (due_at - NOON) / timedelta(seconds=1)
        return self.apply(events.WorkflowFellDue(**self.head(seconds), due_at=due_at))

    @property
    def said(self) -> list[str]:
        """Return what the last event had runs say."""
        return [
            effect.content
            for effect in self.trail
            if isinstance(effect, effects.RecordMessage)
            and effect.written_by is not None
        ]

    @property
    def finished(self) -> list[tuple[str, str]]:
        """Return how runs ended by the last event: status and reason."""
        return [
            (effect.run.status.value, effect.reason)
            for effect in self.trail
            if isinstance(effect, effects.RecordRun)
            and effect.run.status is not workflow.RunStatus.RUNNING
        ]

    def armed(self, kind: TimerKind) -> bool:
        """Whether the last event left the timer armed, or did not touch it."""
        touched = [
            isinstance(effect, effects.SetTimer)
            for effect in self.trail
            if isinstance(effect, effects.SetTimer | effects.ClearTimer)
            and effect.kind is kind
        ]
        return touched[-1] if touched else False
