"""Advances a run by one event: pure, with no clock and no I/O.

A run is a set of tokens, one per branch. Each token waits for something in one of the
phases of `run.Phase`, always with a time limit; it goes on along the edges of its node.
A result names the step that it belongs to: a late one of an earlier step changes
nothing, and work that is ordered twice counts once.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from actors.workflow import nodes, waits
from actors.workflow.definition import (
    ActionNode,
    Condition,
    EdgeKind,
    Graph,
    SendEmail,
    Waiting,
    Webhook,
)
from actors.workflow.run import (
    Advanced,
    AiAnswered,
    Answered,
    Begun,
    Cancelled,
    FinishRun,
    OpenRun,
    Outcome,
    Phase,
    ReadFacts,
    Refused,
    ReplyFreed,
    Run,
    RunEvent,
    RunStatus,
    Scene,
    StepDone,
    StepFailed,
    TimerFired,
    Token,
)
from actors.workflow.walk import READ_ATTEMPTS, READ_PAUSE, Walk

#: The longest pause between two attempts.
MAX_PAUSE = timedelta(hours=1)
#: The model is asked once more where its judgement was lost with a process.
JUDGE_ATTEMPTS = 2
LOST = "no result came"
NOT_DELIVERED = "the message was not delivered in time"


def advance(
    run: Run, event: RunEvent, now: datetime, graph: Graph, scene: Scene
) -> Advanced:
    """Apply one event to a run that has not ended."""
    walk = Walk(run, graph, scene, now)
    _apply(walk, event)
    if not walk.is_over and not walk.run.tokens:
        status = RunStatus.FAILED if walk.run.fault else RunStatus.COMPLETED
        walk.run = replace(walk.run, status=status)
        walk.effects.append(FinishRun(status, walk.run.fault))
    return Advanced(walk.run, tuple(walk.effects), walk.took_message)


def _apply(walk: Walk, event: RunEvent) -> None:
    match event:
        case Begun():
            run = walk.run
            token = walk.begin_step(walk.new_token(run.node))
            walk.perform(token, OpenRun(run.tags, run.max_running), Phase.READING)
        case TimerFired():
            _on_timer(walk)
        case Answered():
            _on_answered(walk, event)
        case StepDone():
            _on_done(walk, event)
        case StepFailed():
            _on_failed(walk, event)
        case Refused():
            _on_refused(walk, event)
        case AiAnswered() | ReplyFreed():
            _ask_again(walk, event)
        case Cancelled():
            walk.stop(RunStatus.CANCELLED, event.reason)
        case _:
            assert_never(event)


def _on_refused(walk: Walk, event: Refused) -> None:
    if walk.run.steps > 1:
        return  # The run was admitted since.
    walk.run = replace(walk.run, tokens=(), status=RunStatus.REFUSED)
    walk.effects.append(FinishRun(RunStatus.REFUSED, event.reason))


def _on_answered(walk: Walk, event: Answered) -> None:
    for token in walk.run.tokens:
        node = walk.node_of(token)
        if not isinstance(node, Waiting):
            continue
        if token.phase is Phase.ASKED:
            waits.on_answer(walk, token, node, event)
            return
        if token.phase is Phase.AI_ANSWERS:
            waits.on_words_aside(walk, token, node, event)
            return


def _ask_again(walk: Walk, event: AiAnswered | ReplyFreed) -> None:
    """Let a token ask whose turn it is, unless another awaits an answer."""
    is_back = isinstance(event, AiAnswered)
    phase = Phase.AI_ANSWERS if is_back else Phase.QUEUED
    for token in walk.run.tokens:
        node = walk.node_of(token)
        if token.phase is phase and isinstance(node, Waiting):
            if walk.scene.may_ask and walk.run.asked is None:
                waits.ask(walk, token, node)
            else:
                walk.put(replace(token, phase=Phase.QUEUED))
            return


# --- Results -----------------------------------------------------------------------


def _find(walk: Walk, step: int) -> Token | None:
    """Return the token that does the step; None for a result that is stale."""
    for token in walk.run.tokens:
        if token.step == step:
            return token
    return None


def _on_done(walk: Walk, event: StepDone) -> None:
    token = _find(walk, event.step)
    if token is None:
        return
    if event.facts is not None:
        walk.run = replace(walk.run, facts=event.facts)
    match token.phase:
        case Phase.READING:
            _go_on(walk, token)
        case Phase.WORKING | Phase.RETRYING if event.verdict is not None:
            nodes.fork(walk, token, is_met=event.verdict, reason=event.detail)
        case Phase.WORKING | Phase.RETRYING | Phase.SENDING:
            walk.keep_values(event.values)
            nodes.follow(walk, token, EdgeKind.SUCCESS, Outcome.DONE, event.detail)
        case _:
            return


def _go_on(walk: Walk, token: Token) -> None:
    """Go on with facts of now: behind the edge, or at the node where a run begins."""
    if token.edge is None:
        walk.drop(token)
        nodes.enter(walk, token)
    else:
        nodes.leave(walk, token, token.edge)


def _on_failed(walk: Walk, event: StepFailed) -> None:
    token = _find(walk, event.step)
    if token is None:
        return
    if token.phase in {Phase.READING, Phase.WORKING}:
        _retry(walk, token, event.reason, is_permanent=event.is_permanent)
    elif token.phase is Phase.SENDING:
        nodes.follow(walk, token, EdgeKind.FAILURE, Outcome.FAILED, event.reason)


def _retry(walk: Walk, token: Token, reason: str, *, is_permanent: bool) -> None:
    """Pause before another attempt, if one is left."""
    node = walk.node_of(token)
    attempts, pause = 1, READ_PAUSE
    if token.phase is Phase.READING:
        attempts = READ_ATTEMPTS
    elif isinstance(node, ActionNode):
        attempts, pause = node.retry.attempts, node.retry.pause.length
        pause = min(MAX_PAUSE, pause * 2 ** (token.attempt - 1))
    elif isinstance(node, Condition):
        attempts = JUDGE_ATTEMPTS
    due_at = walk.now + pause
    if not is_permanent and token.attempt < attempts:
        if token.phase is Phase.READING:
            # The timer reads again, and counts that attempt.
            walk.put(replace(token, due_at=due_at))
            return
        again = replace(token, attempt=token.attempt + 1, due_at=due_at)
        walk.put(replace(again, phase=Phase.RETRYING))
    elif token.phase is Phase.READING:
        walk.stop(RunStatus.FAILED, reason)
    else:
        nodes.follow(walk, token, EdgeKind.FAILURE, Outcome.FAILED, reason)


# --- Timers ------------------------------------------------------------------------


def _on_timer(walk: Walk) -> None:
    # What one of them does may end the run, or another's branch.
    for token in walk.run.tokens:
        if walk.is_over:
            return
        if token in walk.run.tokens and token.due_at <= walk.now:
            _on_due(walk, token)


def _on_due(walk: Walk, token: Token) -> None:
    node = walk.node_of(token)
    match token.phase:
        case Phase.READING:
            _read_again(walk, token)
        case Phase.WORKING:
            _retry(walk, token, LOST, is_permanent=False)
        case Phase.RETRYING:
            _perform_again(walk, token)
        case Phase.SENDING:
            nodes.follow(walk, token, EdgeKind.FAILURE, Outcome.FAILED, NOT_DELIVERED)
        case Phase.DELAYED:
            walk.record(token, Outcome.DONE, EdgeKind.SUCCESS)
            walk.run = replace(walk.run, is_late=True)
            walk.read_then(token, EdgeKind.SUCCESS)
        case Phase.QUEUED | Phase.ASKED | Phase.AI_ANSWERS:
            if isinstance(node, Waiting):
                waits.on_due(walk, token, node)
        case _:
            assert_never(token.phase)


def _read_again(walk: Walk, token: Token) -> None:
    """Read once more: the result was lost, or the database was away."""
    if token.attempt >= READ_ATTEMPTS:
        walk.stop(RunStatus.FAILED, LOST)
        return
    again = replace(token, attempt=token.attempt + 1)
    is_opening = token.edge is None
    work = OpenRun(walk.run.tags, walk.run.max_running) if is_opening else ReadFacts()
    walk.perform(again, work, Phase.READING)


def _perform_again(walk: Walk, token: Token) -> None:
    """Do the work of the step once more, under the same key."""
    node = walk.node_of(token)
    if isinstance(node, ActionNode) and isinstance(node.action, Webhook | SendEmail):
        work = nodes.build_work(walk, token, node.action)
        if work is None:
            nodes.follow(
                walk, token, EdgeKind.FAILURE, Outcome.FAILED, nodes.NO_ADDRESS
            )
            return
        walk.perform(token, work)
    elif isinstance(node, Condition):
        nodes.decide(walk, token, node)
