"""Checks of a definition as a graph, when it is saved."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import urlsplit

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from actors.workflow import definition as d
from actors.workflow.definition import Definition, EdgeKind
from actors.workflow.schedules import next_occurrence
from actors.workflow.templates import FIELD, check_template

Node: TypeAlias = d.When | d.Condition | d.ActionNode | d.Waiting

_EDGES: Mapping[type, frozenset[EdgeKind]] = MappingProxyType(
    {
        d.When: frozenset({EdgeKind.SUCCESS}),
        d.Condition: frozenset({EdgeKind.SUCCESS, EdgeKind.FAILURE}),
        d.ActionNode: frozenset({EdgeKind.SUCCESS, EdgeKind.FAILURE}),
        d.Waiting: frozenset(EdgeKind),
    }
)
NO_TRIGGER = "it has no `when` node: nothing would ever begin it"
#: Problems that are told at once.
MAX_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `node` is None where it is about the whole.

    What is only missing yet `is_open`: a draft may be saved with it.
    """

    node: str | None
    message: str
    is_open: bool = False

    def __str__(self) -> str:
        """Name the node, and say what is wrong with it."""
        return (
            self.message if self.node is None else f"node {self.node}: {self.message}"
        )


def validate(
    definition: Definition, now: datetime, time_zone: str
) -> tuple[Problem, ...]:
    """Return what is wrong with a definition; nothing if a run can go through it."""
    problems = [
        *_check_names(definition.nodes),
        *_check_edges(definition),
        *_check_reach(definition),
        *_check_cycles(definition),
        *_check_nodes(definition, now, time_zone),
    ]
    # A draft is refused for what is wrong, however much is only missing.
    told = sorted(dict.fromkeys(problems), key=lambda one: one.is_open)
    return tuple(told)[:MAX_PROBLEMS]


def explain(error: ValidationError, document: object) -> tuple[Problem, ...]:
    """Say what is wrong with a document that is no definition, node by node."""
    return tuple(
        Problem(_node_at(document, fault["loc"]), _describe(fault))
        for fault in error.errors(include_url=False, include_input=False)
    )[:MAX_PROBLEMS]


def find_unknown(document: object, written: object, path: str = "") -> Iterator[str]:
    """Yield the fields of a document that mean nothing: `written` has not kept them."""
    match document, written:
        case dict(), dict():
            for name, value in document.items():
                inner = f"{path}.{name}" if path else str(name)
                if name in written:
                    yield from find_unknown(value, written[name], inner)
                else:
                    yield inner
        case list(), list():
            for index, (value, kept) in enumerate(zip(document, written, strict=False)):
                yield from find_unknown(value, kept, f"{path}.{index}")
        case _:
            return


def find_urls(definition: Definition) -> Iterator[tuple[str, str]]:
    """Yield the addresses that webhooks call, each behind its node."""
    for node in definition.nodes:
        if isinstance(node, d.ActionNode) and isinstance(node.action, d.Webhook):
            yield node.id, node.action.url


# --- The graph ---------------------------------------------------------------------


def _check_names(nodes: Sequence[Node]) -> Iterator[Problem]:
    for name, count in Counter(node.id for node in nodes).items():
        if count > 1:
            yield Problem(name, "the id stands twice; each node needs its own")


def _check_edges(definition: Definition) -> Iterator[Problem]:
    nodes = {node.id: node for node in definition.nodes}
    for edge, count in Counter(definition.connections).items():
        if count > 1:
            yield Problem(edge.source, f"the connection to {edge.target} stands twice")
    for edge in definition.connections:
        source, target = nodes.get(edge.source), nodes.get(edge.target)
        if source is None:
            yield Problem(
                edge.source, "a connection begins here, and there is no such node"
            )
        elif target is None:
            message = f"a connection leads to {edge.target}, and there is no such node"
            yield Problem(edge.source, message)
        elif isinstance(target, d.When):
            message = f"a connection leads to {edge.target}, where runs only begin"
            yield Problem(edge.source, message)
        elif edge.type not in _EDGES[type(source)]:
            has = ", ".join(sorted(_EDGES[type(source)]))
            message = (
                f"it has no connection `{edge.type}`; a {source.type} node has: {has}"
            )
            yield Problem(edge.source, message)


def _check_reach(definition: Definition) -> Iterator[Problem]:
    following = _following(definition)
    reached = {node.id for node in definition.nodes if isinstance(node, d.When)}
    if not reached:
        yield Problem(None, NO_TRIGGER, is_open=True)
        return
    waiting = list(reached)
    while waiting:
        for target in following.get(waiting.pop(), ()):
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    for node in definition.nodes:
        if node.id not in reached:
            message = "no connection leads here from a `when` node"
            yield Problem(node.id, message, is_open=True)


def _check_cycles(definition: Definition) -> Iterator[Problem]:
    """Refuse circles in which nothing is waited for: they would never end."""
    following = _following(definition)
    instant = {node.id for node in definition.nodes if not _waits(node)}
    done: set[str] = set()
    for start in (node.id for node in definition.nodes):
        if start not in instant or start in done:
            continue
        path: list[str] = []
        stack: list[tuple[str, Iterator[str]]] = [(start, iter(following[start]))]
        path.append(start)
        while stack:
            name, targets = stack[-1]
            target = next((one for one in targets if one in instant), None)
            if target is None:
                stack.pop()
                path.pop()
                done.add(name)
            elif target in path:
                circle = " > ".join((*path[path.index(target) :], target))
                message = f"a circle without a wait or a delay in it: {circle}"
                yield Problem(target, message)
                done.update(path)
                break
            elif target not in done:
                path.append(target)
                stack.append((target, iter(following[target])))


def _waits(node: Node) -> bool:
    if isinstance(node, d.Waiting):
        return True
    return isinstance(node, d.ActionNode) and isinstance(node.action, d.Delay)


def _following(definition: Definition) -> dict[str, tuple[str, ...]]:
    following: dict[str, tuple[str, ...]] = {node.id: () for node in definition.nodes}
    for edge in definition.connections:
        if edge.source in following and edge.target in following:
            following[edge.source] = (*following[edge.source], edge.target)
    return following


# --- The nodes ---------------------------------------------------------------------


def _check_nodes(
    definition: Definition, now: datetime, time_zone: str
) -> Iterator[Problem]:
    keys = frozenset(_value_keys(definition.nodes))
    for node in definition.nodes:
        for template in _templates_of(node):
            problem = check_template(template, keys)
            if problem is not None:
                yield Problem(node.id, problem)
        match node:
            case d.When(trigger=d.Scheduled() as schedule):
                if next_occurrence(schedule, time_zone, now) is None:
                    yield Problem(node.id, "its only date has passed: it can't fire")
            case d.Waiting():
                yield from _check_wait(node)
            case d.ActionNode(action=d.Webhook() as webhook):
                yield from _check_webhook(node.id, webhook)
            case _:
                pass


def _check_wait(node: d.Waiting) -> Iterator[Problem]:
    is_choice = node.answer is d.AnswerKind.CHOICE
    if is_choice and not node.choices:
        yield Problem(node.id, "it asks for a choice, and has no `choices`")
    if not is_choice and node.choices:
        yield Problem(node.id, "it has `choices`, and its `answer` is no choice")
    reminder = node.reminder
    if reminder is not None and reminder.before.length >= node.time_limit.length:
        yield Problem(node.id, "its reminder must come within the time limit")
    both = set(node.skip_keywords) & set(node.exit_keywords)
    for word in sorted(both):
        yield Problem(node.id, f"«{word}» can't skip the question and end the run")


def _check_webhook(name: str, webhook: d.Webhook) -> Iterator[Problem]:
    parts = urlsplit(FIELD.sub("", webhook.url))
    whole = urlsplit(FIELD.sub("x", webhook.url))
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        yield Problem(name, "`url` must begin with https:// or http:// and a host")
    elif parts.netloc != whole.netloc:
        yield Problem(name, "`url` may have fields behind its host only")
    if webhook.body:
        try:
            orjson.loads(FIELD.sub("x", webhook.body))
        except orjson.JSONDecodeError:
            message = "`body` must be JSON, with fields inside of quotes only"
            yield Problem(name, message)
        if webhook.method == "GET":
            yield Problem(name, "a GET has no `body`")


def _value_keys(nodes: Iterable[Node]) -> Iterator[str]:
    for node in nodes:
        match node:
            case d.Waiting(attribute=attribute):
                yield attribute
            case d.ActionNode(action=d.Webhook(save=save)):
                yield from save
            case _:
                pass


def _templates_of(node: Node) -> Iterator[str]:
    match node:
        case d.Waiting(prompt=prompt, error_text=error_text, reminder=reminder):
            yield from (prompt, error_text)
            if reminder is not None:
                yield reminder.text
        case d.ActionNode(action=d.SendMessage(text=text)):
            yield text
        case d.ActionNode(action=d.Webhook(url=url, body=body)):
            yield from (url, body)
        case d.ActionNode(action=d.SendEmail(subject=subject, text=text)):
            yield from (subject, text)
        case d.Condition(clauses=clauses):
            yield from (one.prompt for one in clauses if isinstance(one, d.AiClause))
        case _:
            pass


# --- Documents ---------------------------------------------------------------------


def _node_at(document: object, place: Sequence[int | str]) -> str | None:
    """Return the id of the node that a fault lies in, if it has one."""
    if len(place) < 2 or place[0] != "nodes" or not isinstance(document, Mapping):
        return None
    nodes, index = document.get("nodes"), place[1]
    if not isinstance(nodes, list | tuple) or not isinstance(index, int):
        return None
    node = nodes[index] if index < len(nodes) else None
    name = node.get("id") if isinstance(node, Mapping) else None
    return str(name) if name is not None else f"number {index + 1}"


def _describe(fault: ErrorDetails) -> str:
    """Say where a fault lies in a node, or in the whole, and what it is."""
    where = ".".join(_fields_of(fault["loc"]))
    message = fault["msg"]
    if fault["type"] == "union_tag_invalid":
        context = fault.get("ctx", {})
        message = (
            f"there is no kind {context['tag']!r}, but: {context['expected_tags']}"
        )
    return f"{where}: {message}" if where else message


def _fields_of(place: Sequence[int | str]) -> Iterator[str]:
    """Yield the fields that lead to a fault, without the kinds that stand between.

    pydantic names the kind behind a node's place, a trigger, an action, and a clause.
    """
    is_kind = False
    for index, part in enumerate(place[2:] if place[:1] == ("nodes",) else place):
        if place[:1] == ("nodes",) and (index == 0 or is_kind):
            is_kind = False
            continue
        is_kind = part in {"trigger", "action"} or isinstance(part, int)
        yield str(part)
