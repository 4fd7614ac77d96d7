"""A run on its way through one event: its tokens, its effects, the edges it follows."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from actors.workflow.definition import (
    ActionNode,
    Condition,
    ConversationStatus,
    EdgeKind,
    Graph,
    Waiting,
    When,
)
from actors.workflow.run import (
    MAX_VALUE_CHARS,
    MAX_VALUES,
    FinishRun,
    Outcome,
    Perform,
    Phase,
    ReadFacts,
    RecordStep,
    Run,
    RunEffect,
    RunStatus,
    Scene,
    SendText,
    Token,
    Work,
)
from actors.workflow.templates import Escape, TemplateSource, render

#: A result that has not come by then was lost with its process.
WORK_LEASE = timedelta(seconds=60)
#: A message that is on its way for so long counts as not delivered.
SEND_LIMIT = timedelta(hours=1)
#: Readings of facts fail only while the database is away.
READ_ATTEMPTS = 20
READ_PAUSE = timedelta(seconds=5)
#: A definition's cycles lead through waits and delays; so many steps are a loop.
MAX_STEPS = 500
MAX_TOKENS = 50
LOOP = f"the run was stopped after {MAX_STEPS} steps: its workflow goes in a circle"
NO_WINDOW = "the platform takes no automatic messages of ours any more"
NO_WORDS = "the text is empty once its fields are filled in"
TOO_MANY_BRANCHES = f"the run was stopped at {MAX_TOKENS} branches at once"


@dataclass(slots=True)
class Walk:
    """One event's way: what it changes is collected here."""

    run: Run
    graph: Graph
    scene: Scene
    now: datetime
    effects: list[RunEffect] = field(default_factory=list)
    took_message: bool = False

    def node_of(self, token: Token) -> When | Condition | ActionNode | Waiting:
        """Return the token's node."""
        return self.graph.nodes[token.node]

    def put(self, token: Token) -> None:
        """Let the token stand as it is now."""
        others = [other for other in self.run.tokens if other.id != token.id]
        tokens = tuple(sorted((*others, token), key=lambda one: one.id))
        self.run = replace(self.run, tokens=tokens)

    def drop(self, token: Token) -> None:
        """End the token's branch."""
        kept = tuple(other for other in self.run.tokens if other.id != token.id)
        self.run = replace(self.run, tokens=kept)

    def begin_step(self, token: Token) -> Token:
        """Give the token's next activity a number of its own."""
        self.run = replace(self.run, steps=self.run.steps + 1)
        return replace(
            token,
            step=self.run.steps,
            attempt=1,
            errors=0,
            until=None,
            is_reminded=False,
            has_asked_back=False,
            edge=None,
        )

    def new_token(self, node: str) -> Token:
        """Make a token that enters a node; it stands nowhere yet."""
        self.run = replace(self.run, tokens_made=self.run.tokens_made + 1)
        return Token(self.run.tokens_made, node, Phase.READING, self.now, 0)

    def record(
        self, token: Token, outcome: Outcome, edge: EdgeKind | None, detail: str = ""
    ) -> None:
        """Keep what the node did, and where it led."""
        has_way = edge is not None and bool(self.graph.follow(token.node, edge))
        self.effects.append(
            RecordStep(
                token.step, token.node, outcome, edge if has_way else None, detail
            )
        )
        is_fork = isinstance(self.node_of(token), Condition)
        is_fault = edge in {EdgeKind.FAILURE, EdgeKind.TIMEOUT} and not is_fork
        if is_fault and not has_way and not self.run.fault:
            self.run = replace(self.run, fault=f"{token.node}: {detail or outcome}")

    def write(self, token: Token, text: str, *, is_awaited: bool) -> None:
        """Write to the customer."""
        self.run = replace(self.run, texts=self.run.texts + 1, has_spoken=True)
        self.effects.append(
            SendText(
                token.step, self.run.texts, text, token.node, is_awaited=is_awaited
            )
        )

    def perform(self, token: Token, work: Work, phase: Phase = Phase.WORKING) -> None:
        """Have something done outside; a lost result is noticed by its lease."""
        self.put(replace(token, phase=phase, due_at=self.now + WORK_LEASE))
        self.effects.append(Perform(token.step, work, token.attempt))

    def read_then(self, token: Token, edge: EdgeKind | None) -> None:
        """Read the facts, which may be old by now; then follow the edge."""
        self.perform(
            replace(self.begin_step(token), edge=edge), ReadFacts(), Phase.READING
        )

    def keep_values(self, values: dict[str, str]) -> None:
        """Add values to the run's; the oldest go where there are too many."""
        cut = {key: value[:MAX_VALUE_CHARS] for key, value in values.items()}
        merged = {**self.run.values, **cut}
        kept = dict(list(merged.items())[-MAX_VALUES:])
        self.run = replace(self.run, values=kept)

    def stop(self, status: RunStatus, reason: str) -> None:
        """End the run with all of its branches."""
        for token in self.run.tokens:
            self.effects.append(
                RecordStep(token.step, token.node, Outcome.CANCELLED, None, reason)
            )
        self.run = replace(self.run, tokens=(), status=status)
        self.effects.append(FinishRun(status, reason))

    def fill(self, template: str, escape: Escape = Escape.TEXT) -> str:
        """Fill in a template's fields."""
        run = self.run
        source = TemplateSource(run.facts, run.values, run.text, self.now)
        return render(template, source, escape)

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return self.run.status is not RunStatus.RUNNING

    def set_status(self, status: ConversationStatus) -> None:
        """Note that the conversation has another status by an effect of this walk."""
        self.scene = replace(self.scene, status=status)
