"""Random graphs and random events: a run ends, or waits with a timer."""

from collections import Counter
from datetime import timedelta

from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pydantic import TypeAdapter

from actors.workflow import definition as d
from actors.workflow import run as workflow
from actors.workflow.definition import Definition, Duration, EdgeKind, Unit
from actors.workflow.run import (
    Facts,
    Outcome,
    Perform,
    Phase,
    ReadFacts,
    Run,
    RunStatus,
    StepDone,
    StepFailed,
)
from actors.workflow.validation import validate
from actors.workflow.walk import LOOP, TOO_MANY_BRANCHES
from tests.support.workflow.run import NOON, Going

RUNS: TypeAdapter[Run] = TypeAdapter(Run)
NAMES = tuple("abcdefgh")
#: What a run may need at most to end by its timers alone, from wherever it stands.
MAX_TIMERS = 2000
EDGES: dict[str, tuple[EdgeKind, ...]] = {
    "condition": (EdgeKind.SUCCESS, EdgeKind.FAILURE),
    "action": (EdgeKind.SUCCESS, EdgeKind.FAILURE),
    "waiting": tuple(EdgeKind),
}


def nodes(name: str) -> st.SearchStrategy[d.Condition | d.ActionNode | d.Waiting]:
    """Draw a node of any kind."""
    acting = st.sampled_from(
        (
            d.SendMessage("سلام"),
            d.SendMessage("{{customer.last_name}}"),
            d.Delay(Duration(1, Unit.HOURS)),
            d.TagCustomer("a"),
            d.UntagCustomer("a"),
            d.RedirectConversation(d.RedirectTo.AI),
            d.TransferToHuman(),
            d.ControlAiResponse(ai_enabled=False),
            d.Webhook("https://shop.example"),
            d.SendEmail(d.MailTo.CUSTOMER, "x", "y"),
        )
    )
    asking = st.builds(
        lambda errors, reminder, choices: d.Waiting(
            name,
            "؟",
            "answer",
            d.AnswerKind.CHOICE if choices else d.AnswerKind.NUMBER,
            choices=choices,
            allowed_errors=errors,
            reminder=reminder,
            skip_keywords=("رد",),
            exit_keywords=("خروج",),
        ),
        st.integers(0, 2),
        st.sampled_from((None, d.Reminder(Duration(1, Unit.HOURS), "؟"))),
        st.sampled_from(((), ("۱۲", "b"))),
    )
    clauses = st.sampled_from(
        (
            (d.TagClause("a"),),
            (d.AiClause("؟"), d.TagClause("a")),
            (d.MessageClause(d.Operator.CONTAINS, "سلام"),),
        )
    )
    return st.one_of(
        st.builds(lambda action: d.ActionNode(name, action), acting),
        asking,
        st.builds(lambda one: d.Condition(name, one), clauses),
    )


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    """Draw a definition that may be activated; what can't be reached is left out."""
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    inner = [draw(nodes(name)) for name in names]
    connections = [d.Connection("start", names[0])]
    if len(names) > 1 and draw(st.booleans()):
        connections.append(d.Connection("start", names[1]))
    for node in inner:
        for kind in EDGES[node.type]:
            targets = draw(st.lists(st.sampled_from(names), max_size=2, unique=True))
            connections += [d.Connection(node.id, one, kind) for one in targets]
    begin = d.When("start", d.ReceiveMessage())
    whole = Definition((begin, *inner), tuple(connections))
    return _mend(whole)


def _mend(definition: Definition) -> Definition:
    """Remove nodes that are not reached, and edges that close an instant circle."""
    while True:
        problems = validate(definition, NOON, "Asia/Tehran")
        if not problems:
            return definition
        names = {problem.node for problem in problems}
        if any(problem.is_open for problem in problems):
            kept = tuple(node for node in definition.nodes if node.id not in names)
            ids = {node.id for node in kept}
            connections = tuple(
                edge
                for edge in definition.connections
                if edge.source in ids and edge.target in ids
            )
        else:
            kept = definition.nodes
            # The circle is named by the node that closes it.
            connections = tuple(
                edge
                for edge in definition.connections
                if edge.target not in names or edge.source == "start"
            )
        definition = Definition(kept, connections)


class RunMachine(RuleBasedStateMachine):
    """A run that meets all that may happen to it."""

    def __init__(self) -> None:
        super().__init__()
        self.going = Going(Definition())
        self.stale: list[int] = []

    @initialize(definition=definitions(), tags=st.sampled_from(((), ("a",))))
    def begin(self, definition: Definition, tags: tuple[str, ...]) -> None:
        """Begin a run of a random graph."""
        note(str(definition))
        self.going = Going(definition, Facts(tags=tags))
        self.going.send(workflow.Begun())

    @property
    def is_under_way(self) -> bool:
        """Whether the run goes on."""
        return self.going.run.status is RunStatus.RUNNING

    def steps_in(self, *phases: Phase) -> list[int]:
        """Return the steps of tokens in these phases."""
        return [one.step for one in self.going.run.tokens if one.phase in phases]

    @precondition(lambda self: self.steps_in(Phase.READING, Phase.WORKING))
    @rule(data=st.data(), verdict=st.booleans())
    def work_is_done(self, data: st.DataObject, *, verdict: bool) -> None:
        """Work comes to a good result, which is told twice now and then."""
        reading, working = self.steps_in(Phase.READING), self.steps_in(Phase.WORKING)
        step = data.draw(st.sampled_from(reading + working))
        token = next(one for one in self.going.run.tokens if one.step == step)
        is_judged = isinstance(self.going.graph.nodes[token.node], d.Condition)
        facts = self.going.facts if step in reading else None
        is_verdict = is_judged and step in working
        done = StepDone(step, facts=facts, verdict=verdict if is_verdict else None)
        self.going.send(done)
        self.stale.append(step)

    @precondition(lambda self: self.steps_in(Phase.READING, Phase.WORKING))
    @rule(data=st.data(), is_permanent=st.booleans())
    def work_fails(self, data: st.DataObject, *, is_permanent: bool) -> None:
        """Work fails, for now or for good."""
        steps = self.steps_in(Phase.READING, Phase.WORKING)
        step = data.draw(st.sampled_from(steps))
        self.going.send(StepFailed(step, "no", is_permanent=is_permanent))

    @precondition(lambda self: self.steps_in(Phase.SENDING))
    @rule(data=st.data(), is_delivered=st.booleans())
    def a_message_fares(self, data: st.DataObject, *, is_delivered: bool) -> None:
        """A message is delivered, or is not."""
        step = data.draw(st.sampled_from(self.steps_in(Phase.SENDING)))
        self.going.send(StepDone(step) if is_delivered else StepFailed(step, "no"))
        self.stale.append(step)

    @precondition(lambda self: self.is_under_way and self.stale)
    @rule(data=st.data(), is_failure=st.booleans())
    def a_result_comes_again(self, data: st.DataObject, *, is_failure: bool) -> None:
        """A late or repeated result changes nothing."""
        step = data.draw(st.sampled_from(self.stale))
        if step in [token.step for token in self.going.run.tokens]:
            return
        before = self.going.run
        event = StepFailed(step, "late") if is_failure else StepDone(step)
        assert self.going.send(event) == ()
        assert self.going.run == before

    @precondition(lambda self: self.steps_in(Phase.ASKED, Phase.AI_ANSWERS))
    @rule(text=st.sampled_from(("12", "۱۲", "چی؟", "رد", "خروج", "")))
    def the_customer_writes(self, text: str) -> None:
        """The customer answers, rightly or not, or asks back."""
        is_asked = bool(self.steps_in(Phase.ASKED))
        self.going.answer(text, is_question=text.endswith("؟"))
        if self.going.of(workflow.LetAiAnswer) and is_asked:
            note("the AI answers")

    @precondition(lambda self: self.is_under_way)
    @rule()
    def the_ai_has_answered(self) -> None:
        """The AI has answered; whether anything was asked back or not."""
        self.going.send(workflow.AiAnswered())

    @precondition(lambda self: self.is_under_way)
    @rule()
    def the_turn_passes(self) -> None:
        """Nobody awaits an answer any more."""
        self.going.send(workflow.ReplyFreed())

    @rule(may_ask=st.booleans(), may_write=st.booleans())
    def the_scene_changes(self, *, may_ask: bool, may_write: bool) -> None:
        """Other runs ask, or the platform's window closes."""
        self.going.lead(may_ask=may_ask, may_write=may_write)

    @precondition(lambda self: self.is_under_way)
    @rule(hours=st.sampled_from((0, 1, 30)))
    def time_passes(self, hours: int) -> None:
        """The timer fires, on time or late."""
        due_at = self.going.run.due_at
        assert due_at is not None
        pause = max(due_at - self.going.now, timedelta()) + timedelta(hours=hours)
        self.going.wait(pause)

    @rule()
    def the_process_crashes(self) -> None:
        """All that stays is what is stored; work that was ordered is lost."""
        text = RUNS.dump_json(self.going.run)
        again = RUNS.validate_json(text)
        assert again == self.going.run
        self.going.run = again

    @precondition(lambda self: self.is_under_way)
    @rule()
    def an_operator_ends_it(self) -> None:
        """An operator, or a person's answer, ends the run."""
        self.going.send(workflow.Cancelled("ended"))
        assert not self.is_under_way

    @invariant()
    def no_step_ends_twice(self) -> None:
        """Each step is recorded once, and each text has a number of its own."""
        steps = Counter(one.step for one in self.going.of(workflow.RecordStep))
        assert all(count == 1 for count in steps.values()), steps
        texts = [one.number for one in self.going.of(workflow.SendText)]
        assert texts == sorted(set(texts))

    @invariant()
    def an_end_is_told_once(self) -> None:
        """A run that has ended says so once, and in no other status."""
        ends = self.going.of(workflow.FinishRun)
        assert len(ends) == (0 if self.is_under_way else 1)

    @invariant()
    def edges_are_followed_as_they_are_recorded(self) -> None:
        """A step names an edge only where a connection of that kind leads on."""
        for step in self.going.of(workflow.RecordStep):
            if step.edge is not None:
                assert self.going.graph.follow(step.node, step.edge)

    def check_branches(self) -> None:
        """Every connection that was followed led to a step that ended."""
        recorded = self.going.of(workflow.RecordStep)
        if not recorded:
            return  # It was never admitted.
        arrived = Counter({"start": 1})
        for step in recorded:
            if step.edge is not None:
                arrived.update(self.going.graph.follow(step.node, step.edge))
        assert Counter(step.node for step in recorded) == arrived

    def teardown(self) -> None:
        """Left alone, a run ends by its timers, or goes round through its waits."""
        timers = 0
        while self.is_under_way and timers < MAX_TIMERS:
            timers += 1
            due_at = self.going.run.due_at
            assert due_at is not None
            self.going.now = max(self.going.now, due_at)
            self.going.send(workflow.TimerFired())
            for effect in self.going.effects:
                if isinstance(effect, Perform) and isinstance(
                    effect.work, ReadFacts | workflow.OpenRun
                ):
                    done = StepDone(effect.step, facts=self.going.facts)
                    self.going.send(done)
                    break
        assert not self.is_under_way
        (end,) = self.going.of(workflow.FinishRun)
        ended = {one.outcome for one in self.going.of(workflow.RecordStep)}
        is_cut = end.reason in {LOOP, TOO_MANY_BRANCHES}
        if Outcome.CANCELLED not in ended and not is_cut:
            self.check_branches()
        if end.status is RunStatus.FAILED:
            reasons = {LOOP, TOO_MANY_BRANCHES, "no", "no result came"}
            assert {Outcome.FAILED, Outcome.TIMED_OUT} & ended or end.reason in reasons


def test_whatever_comes_a_run_ends_or_waits_with_a_timer() -> None:
    run_state_machine_as_test(
        RunMachine,
        settings=settings(
            max_examples=150,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
        ),
    )
