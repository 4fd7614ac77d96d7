"""Histories of a shop with workflows: their worker, their observer, their world."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from random import Random
from uuid import UUID

from actors.conversation.codec import decode_event, decode_state
from actors.conversation.events import (
    CustomerWrote,
    Event,
    OperatorAnswered,
    ReplyWritten,
    WorkflowTriggered,
)
from actors.conversation.ports import OutgoingPart
from actors.conversation.rules.decide import decide
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.workflow_catalog import WorkflowSource
from actors.conversation.state import Conversation, TimerKind, check_invariants
from actors.workflow import definition as d
from actors.workflow import run as workflow
from actors.workflow.definition import (
    Definition,
    Duration,
    EdgeKind,
    Graph,
    Unit,
    VersionRef,
    build_graph,
)
from actors.workflow.ports import Worker, WorkTask
from actors.workflow.run import Facts, Phase, Refused, StepDone, StepFailed
from actors.workflow.triggers import ActiveWorkflow
from persistence.ids import ConversationId, EventId, MessageId, TenantId, WorkflowId
from persistence.journal import Batch, Epoch
from persistence.workflow_runs import RUNNING
from tests.simulation.faults import Faults
from tests.simulation.gateway import EventFactory
from tests.simulation.history import World
from tests.simulation.observer import Observer
from tests.simulation.platform import Arrival
from tests.simulation.replay_checks import find_unfaithful
from tests.simulation.users import TENANT, Customer, Users
from tests.support.conversation.memory_journal import MemoryJournal
from tests.support.workflow.run import action, define

MINUTE = Duration(1, Unit.MINUTES)


def _begin(definition: Definition, trigger: d.Trigger) -> Definition:
    nodes = (d.When("start", trigger), *definition.nodes[1:])
    return Definition(nodes, definition.connections, definition.limits)


#: Customers write "question 7": a number, and no mail address.
DEFINITIONS = (
    _begin(
        define(
            d.Waiting(
                "ask", "how many?", "count", d.AnswerKind.NUMBER, time_limit=MINUTE
            ),
            action("tag", d.TagCustomer("counted")),
            action("thanks", d.SendMessage("thanks for {{values.count}}")),
            action("sorry", d.SendMessage("never mind")),
            edges="start>ask ask>tag ask>thanks ask!timeout>sorry",
        ),
        d.NewCustomer(),
    ),
    _begin(
        define(
            d.Waiting(
                "mail",
                "which address?",
                "email",
                d.AnswerKind.EMAIL,
                allowed_errors=1,
                time_limit=MINUTE,
                reminder=d.Reminder(Duration(30, Unit.SECONDS), "still there?"),
            ),
            action("later", d.Delay(Duration(5, Unit.SECONDS))),
            action("bye", d.SendMessage("bye")),
            edges="start>later later>mail mail!failure>bye mail!timeout>bye",
        ),
        d.AddTag(("counted",)),
    ),
    define(
        action("hook", d.Webhook("https://shop.example/hook", save={"code": "code"})),
        action("person", d.TransferToHuman()),
        action("note", d.TagCustomer("noted")),
        d.Waiting("idle", "and now?", "idle", d.AnswerKind.NUMBER, time_limit=MINUTE),
        edges="start>hook start>idle hook!failure>person hook>note",
    ),
)
REFS = tuple(
    VersionRef(WorkflowId(UUID(int=900 + number)), 1)
    for number in range(len(DEFINITIONS))
)
BOOK: Mapping[VersionRef, Graph] = {
    ref: build_graph(one) for ref, one in zip(REFS, DEFINITIONS, strict=True)
}


class SimulatedSource:
    """All of these workflows are active, always."""

    async def fetch_active(
        self, tenants: Collection[TenantId]
    ) -> Mapping[TenantId, tuple[ActiveWorkflow, ...]]:
        """Return them for the shop."""
        active = tuple(map(ActiveWorkflow, REFS, DEFINITIONS))
        return {tenant: active for tenant in tenants if tenant == TENANT}

    async def fetch_definitions(
        self, versions: Collection[VersionRef]
    ) -> Mapping[VersionRef, Definition]:
        """Return those that are asked for."""
        return {
            ref: one
            for ref, one in zip(REFS, DEFINITIONS, strict=True)
            if ref in versions
        }


class SimulatedWorker:
    """Admits runs, reads facts and calls webhooks: slowly, and badly now and then."""

    def __init__(self, memory: MemoryJournal, random: Random, faults: Faults) -> None:
        self._memory = memory
        self._random = random
        self._faults = faults
        #: Called with each task before it is done.
        self.on_task: Callable[[WorkTask], None] = lambda _: None

    async def perform(self, task: WorkTask) -> StepDone | StepFailed | Refused:
        """Do the work; a process that dies meanwhile never reports."""
        self.on_task(task)
        slow = self._random.random() < self._faults.slow_answer
        await asyncio.sleep(self._random.uniform(0.01, 20 if slow else 1))
        if self._random.random() < self._faults.failed_answer:
            return StepFailed(task.step, "not now")
        match task.work:
            case workflow.OpenRun():
                status = self._memory.runs.setdefault(task.run_id, RUNNING)
                if status != RUNNING:
                    return Refused("it has ended")
                return StepDone(task.step, facts=Facts())
            case workflow.ReadFacts():
                return StepDone(task.step, facts=Facts())
            case _:
                if self._random.random() < 0.3:
                    return StepFailed(task.step, "no", is_permanent=True)
                return StepDone(task.step, {"code": "x"})


class WorkflowObserver(Observer):
    """Checks what holds with workflows; the reference model knows none."""

    def note_commit(self, epoch: Epoch, batch: Batch, last_seq: int) -> None:
        """Check each state that a batch has written, and its timer."""
        self.commits += 1
        self._trace.write("COMMIT of epoch {} up to {}", epoch.epoch, last_seq)
        for row in batch.events:
            self._trace.write("       {}", decode_event(row.kind, row.payload))
        for stored in batch.conversations.values():
            state = decode_state(stored.state)
            try:
                check_invariants(state)
            except AssertionError as error:
                self.check("an invariant holds", str(error), holds=False)
            wanted = min(
                (run.due_at for run in state.runs if run.due_at is not None),
                default=None,
            )
            timer = self._memory.timers.get((state.id, TimerKind.WORKFLOW.value))
            is_bound = (None if timer is None else timer.due_at) == wanted
            self.check("the timer is that of the runs", state.id, holds=is_bound)

    def note_task(self, task: WorkTask) -> None:
        """Check that work was stored before it is done."""
        row = self._memory.conversations.get(task.conversation_id)
        steps = (
            [] if row is None else [one.steps for one in decode_state(row.state).runs]
        )
        is_known = task.run_id in self._memory.runs or any(
            step >= task.step for step in steps
        )
        self.check("work is recorded before it is done", task.key, holds=is_known)

    def note_call(self, part: OutgoingPart) -> None:
        """Deliveries are the other histories' matter."""

    def note_arrival(self, arrival: Arrival) -> None:
        """Deliveries are the other histories' matter."""

    def check_end(self, promised: set[EventId]) -> None:
        """Check that all has ended, now that the world is calm."""
        for event_id in promised:
            is_there = event_id in self._memory.events
            self.check("nothing is lost", event_id, holds=is_there)
        for key in self._memory.timers:
            self.check("every timer ends", *key, holds=False)
        for row in self._memory.conversations.values():
            state = decode_state(row.state)
            self.check("every run ends", row.id, holds=not state.runs)
            is_owed = state.ai_may_answer and bool(state.questions)
            self.check(
                "a question is answered, or a person is called",
                row.id,
                holds=not is_owed or state.needs_operator,
            )
        for run_id, status in self._memory.runs.items():
            self.check(
                "every run is told to have ended", run_id, holds=status != RUNNING
            )
        self._check_branches()

    def check_histories(self) -> None:
        """Check each event again, with the states before and behind it."""
        for conversation, different in find_unfaithful(
            self._memory, self._policy, BOOK
        ):
            promise = "a history makes the state that is stored"
            self.check(promise, conversation, "; ".join(different), holds=False)
        triggered: set[tuple[WorkflowId, MessageId]] = set()
        for conversation in self._memory.conversations:
            asked_at: set[MessageId] = set()
            for before, event, after in self._replay(conversation):
                self._check_event(before, event, after, triggered, asked_at)

    def _check_event(
        self,
        before: Conversation | None,
        event: Event,
        after: Conversation,
        triggered: set[tuple[WorkflowId, MessageId]],
        asked_at: set[MessageId],
    ) -> None:
        match event:
            case ReplyWritten() if event.id in self._memory.messages:
                is_asked = before is not None and _asks(before)
                self.check(
                    "the AI is silent while a run awaits an answer",
                    event,
                    holds=not is_asked,
                )
            case OperatorAnswered():
                self.check("a person ends a wait", event, holds=not _asks(after))
            case CustomerWrote():
                if before is not None and _asks(before):
                    asked_at.add(MessageId(event.id))
            case WorkflowTriggered(occasion=occasion):
                message = occasion.message_id
                if message is None:
                    return
                key = event.workflow.workflow_id, message
                is_first = key not in triggered
                self.check("a message triggers a workflow once", event, holds=is_first)
                is_free = message not in asked_at
                self.check("an answer triggers nothing", event, holds=is_free)
                triggered.add(key)
            case _:
                pass

    def _replay(
        self, conversation: ConversationId
    ) -> Iterator[tuple[Conversation | None, Event, Conversation]]:
        rows = sorted(
            (
                stored.row
                for stored in self._memory.events.values()
                if stored.row.conversation_id == conversation
            ),
            key=lambda row: row.version,
        )
        state: Conversation | None = None
        for row in rows:
            event = decode_event(row.kind, row.payload)
            before, state = state, decide(state, event, self._policy, BOOK).state
            yield before, event, state

    def _check_branches(self) -> None:
        """Check that every connection that was followed led to a step that ended."""
        refs = {
            event.run_id: event.workflow
            for stored in self._memory.events.values()
            if isinstance(
                event := decode_event(stored.row.kind, stored.row.payload),
                WorkflowTriggered,
            )
        }
        for run_id, status in self._memory.runs.items():
            graph = BOOK[refs[run_id]]
            steps = [one for key, one in self._memory.steps.items() if key[0] == run_id]
            if status in {"cancelled", "refused"} or not steps:
                continue
            arrived = Counter({"start": 1})
            for step in steps:
                kind = _edge_of(step.outcome)
                has_way = kind is not None and bool(graph.follow(step.node, kind))
                is_followed = not has_way or step.edge == kind
                self.check("a failure follows its edge", step, holds=is_followed)
                if step.edge is not None:
                    arrived.update(graph.follow(step.node, EdgeKind(step.edge)))
            nodes = Counter(step.node for step in steps)
            self.check("all branches finish", run_id, nodes, holds=nodes == arrived)


def _edge_of(outcome: str) -> EdgeKind | None:
    """Return the edge that an end which is no success asks for."""
    return {"failed": EdgeKind.FAILURE, "timed_out": EdgeKind.TIMEOUT}.get(outcome)


def _asks(state: Conversation) -> bool:
    return any(token.phase is Phase.ASKED for run in state.runs for token in run.tokens)


class WorkflowUsers(Users):
    """Users who take nothing back: an answer that is unsent can't be replayed."""

    def _draw_correction(self, customer: Customer) -> EventFactory:
        return self._writes(customer, self._name_inbound(customer))


class WorkflowWorld(World):
    """A shop whose conversations are automated."""

    _users = WorkflowUsers

    def _build_observer(self, policy: Policy) -> Observer:
        return WorkflowObserver(
            self.memory, policy, self.trace, self.loop.time, self.loop.failures
        )

    def _build_workflows(self, random: Random) -> tuple[Worker, WorkflowSource]:
        worker = SimulatedWorker(self.memory, random, self.faults)
        assert isinstance(self.observer, WorkflowObserver)
        worker.on_task = self.observer.note_task
        return worker, SimulatedSource()
