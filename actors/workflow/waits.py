"""The waits of a run: a question, and what comes of it."""

from dataclasses import replace
from datetime import datetime

from actors.workflow.answers import (
    describe_expected,
    read_answer,
    wants_to_exit,
    wants_to_skip,
)
from actors.workflow.definition import AnswerKind, EdgeKind, Waiting
from actors.workflow.run import (
    MAX_TEXT_CHARS,
    Answered,
    ChangeCard,
    LetAiAnswer,
    Outcome,
    Phase,
    RunStatus,
    Token,
)
from actors.workflow.walk import NO_WINDOW, NO_WORDS, Walk

CUSTOMER_LEFT = "the customer ended it"
NO_ANSWER = "no answer in time"
TOO_MANY_ERRORS = "too many answers that did not fit"


def begin(walk: Walk, token: Token, node: Waiting) -> None:
    """Ask, or queue where somebody else awaits the customer's answer."""
    until = walk.now + node.time_limit.length
    token = replace(token, until=until)
    if not walk.scene.may_write:
        _end(walk, token, Outcome.FAILED, EdgeKind.FAILURE, NO_WINDOW)
    elif walk.scene.may_ask and walk.run.asked is None:
        ask(walk, token, node)
    else:
        walk.put(replace(token, phase=Phase.QUEUED, due_at=until))


def ask(walk: Walk, token: Token, node: Waiting, complaint: str = "") -> None:
    """Ask; after an answer that does not fit, with a word about that before."""
    lines = [complaint, walk.fill(node.prompt)]
    if node.choices and not complaint:
        lines += [f"{number}. {text}" for number, text in enumerate(node.choices, 1)]
    text = "\n".join(filter(None, lines))
    if not text.strip():
        _end(walk, token, Outcome.FAILED, EdgeKind.FAILURE, NO_WORDS)
        return
    walk.write(token, text, is_awaited=False)
    due_at = _next_due(walk, token, node)
    walk.put(replace(token, phase=Phase.ASKED, due_at=due_at))


def on_answer(walk: Walk, token: Token, node: Waiting, event: Answered) -> None:
    """Take the customer's message as the answer, or ask again."""
    walk.took_message = True
    text = event.text if event.is_text else ""
    if wants_to_exit(text, node.exit_keywords):
        walk.stop(RunStatus.CANCELLED, CUSTOMER_LEFT)
        return
    if wants_to_skip(text, node.skip_keywords):
        has_way = bool(walk.graph.follow(token.node, EdgeKind.SKIP))
        edge = EdgeKind.SKIP if has_way else EdgeKind.SUCCESS
        _end(walk, token, Outcome.SKIPPED, edge)
        return
    is_question = event.looks_like_question and not token.has_asked_back
    value = _read(walk, node, text)
    if value is not None and not (node.answer is AnswerKind.TEXT and is_question):
        accept(walk, token, node, text, value)
    elif is_question:
        # The AI answers it once, as it would without us.
        walk.took_message = False
        due_at = token.until or walk.now
        asking_back = replace(
            token, phase=Phase.AI_ANSWERS, due_at=due_at, has_asked_back=True
        )
        walk.put(asking_back)
        walk.effects.append(LetAiAnswer())
    elif token.errors >= node.allowed_errors:
        _end(walk, token, Outcome.FAILED, EdgeKind.FAILURE, TOO_MANY_ERRORS)
    else:
        token = replace(token, errors=token.errors + 1)
        ask(walk, token, node, _complain(walk, node))


def on_words_aside(walk: Walk, token: Token, node: Waiting, event: Answered) -> None:
    """Take an answer that comes while the AI answers what was asked back.

    Anything else is the AI's; a free text could be either, and is the AI's as well.
    """
    value = _read(walk, node, event.text if event.is_text else "")
    is_free = node.answer is AnswerKind.TEXT
    if value is not None and not is_free and not event.looks_like_question:
        walk.took_message = True
        accept(walk, token, node, event.text, value)


def accept(walk: Walk, token: Token, node: Waiting, text: str, value: str) -> None:
    """Keep the answer as the customer's attribute and the run's value."""
    walk.run = replace(walk.run, text=text[:MAX_TEXT_CHARS])
    walk.keep_values({node.attribute: value})
    walk.effects.append(ChangeCard(attributes={node.attribute: value}))
    _end(walk, token, Outcome.DONE, EdgeKind.SUCCESS)


def on_due(walk: Walk, token: Token, node: Waiting) -> None:
    """Remind the customer, or end the wait without an answer."""
    is_over = token.until is None or walk.now >= token.until
    if token.phase is Phase.ASKED and not is_over and node.reminder is not None:
        text = walk.fill(node.reminder.text)
        if text.strip() and walk.scene.may_write:
            walk.write(token, text, is_awaited=False)
        due_at = token.until or walk.now
        walk.put(replace(token, is_reminded=True, due_at=due_at))
        return
    _end(walk, token, Outcome.TIMED_OUT, EdgeKind.TIMEOUT, NO_ANSWER)


def _read(walk: Walk, node: Waiting, text: str) -> str | None:
    time_zone = walk.run.facts.hours.time_zone
    return read_answer(node.answer, text, node.choices, walk.now, time_zone)


def _complain(walk: Walk, node: Waiting) -> str:
    if node.error_text:
        return walk.fill(node.error_text)
    return describe_expected(node.answer, node.choices, walk.run.facts.language)


def _next_due(walk: Walk, token: Token, node: Waiting) -> datetime:
    """Return when the wait's reminder falls due, or else its end."""
    until = token.until or walk.now
    if node.reminder is None or token.is_reminded:
        return until
    return max(walk.now, until - node.reminder.before.length)


def _end(
    walk: Walk, token: Token, outcome: Outcome, edge: EdgeKind, detail: str = ""
) -> None:
    """End the wait. What follows needs facts of now, not of before it."""
    walk.record(token, outcome, edge, detail)
    walk.read_then(token, edge)
