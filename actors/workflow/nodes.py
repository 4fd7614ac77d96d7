"""Conditions and actions of a run, and the way from node to node."""

from dataclasses import replace
from typing import assert_never

import orjson

from actors.workflow import definition as d
from actors.workflow import waits
from actors.workflow.comparisons import compare
from actors.workflow.definition import EdgeKind
from actors.workflow.hours import is_open
from actors.workflow.run import (
    CallWebhook,
    ChangeCard,
    JudgeText,
    Outcome,
    Phase,
    Redirect,
    RunStatus,
    SendMail,
    SwitchAi,
    Token,
    Work,
)
from actors.workflow.templates import Escape
from actors.workflow.walk import (
    LOOP,
    MAX_STEPS,
    MAX_TOKENS,
    NO_WINDOW,
    NO_WORDS,
    SEND_LIMIT,
    TOO_MANY_BRANCHES,
    Walk,
)

NO_ADDRESS = "the customer has no e-mail address"


def follow(
    walk: Walk, token: Token, edge: EdgeKind, outcome: Outcome, detail: str = ""
) -> None:
    """End the token's step, and enter the nodes behind its edge."""
    walk.record(token, outcome, edge, detail)
    leave(walk, token, edge)


def leave(walk: Walk, token: Token, edge: EdgeKind) -> None:
    """Enter the nodes behind an edge; the first goes on with the token itself."""
    targets = walk.graph.follow(token.node, edge)
    walk.drop(token)
    for index, target in enumerate(targets):
        if walk.is_over:
            return
        following = (
            replace(token, node=target) if index == 0 else walk.new_token(target)
        )
        enter(walk, following)


def enter(walk: Walk, token: Token) -> None:
    """Do what the token's node says."""
    if walk.run.steps >= MAX_STEPS:
        walk.stop(RunStatus.FAILED, LOOP)
        return
    if len(walk.run.tokens) >= MAX_TOKENS:
        walk.stop(RunStatus.FAILED, TOO_MANY_BRANCHES)
        return
    node = walk.node_of(token)
    token = walk.begin_step(token)
    match node:
        case d.When():
            follow(walk, token, EdgeKind.SUCCESS, Outcome.DONE)
        case d.Condition():
            decide(walk, token, node)
        case d.ActionNode():
            act(walk, token, node)
        case d.Waiting():
            waits.begin(walk, token, node)
        case _:
            assert_never(node)


# --- Conditions --------------------------------------------------------------------


def decide(walk: Walk, token: Token, node: d.Condition) -> None:
    """Judge the clauses, and follow the fork; the model is asked where it must be."""
    must_all = node.operator == "and"
    prompts: list[str] = []
    for clause in node.clauses:
        if isinstance(clause, d.AiClause):
            prompts.append(walk.fill(clause.prompt))
            continue
        if _holds(walk, clause) is not must_all:
            # This one decides, whatever the others say: no model is asked.
            fork(walk, token, is_met=not must_all, reason=_name(clause))
            return
    if not prompts:
        fork(walk, token, is_met=must_all, reason="all" if must_all else "none")
        return
    walk.perform(token, JudgeText(tuple(prompts), must_all, walk.run.text))


def fork(walk: Walk, token: Token, *, is_met: bool, reason: str) -> None:
    """Follow a condition's edge."""
    edge = EdgeKind.SUCCESS if is_met else EdgeKind.FAILURE
    follow(walk, token, edge, Outcome.DONE, reason)


def _holds(walk: Walk, clause: d.Clause) -> bool:
    run = walk.run
    match clause:
        case d.MessageClause():
            return compare(clause.operator, run.text, clause.value)
        case d.TagClause():
            return (clause.tag in run.facts.tags) is clause.has
        case d.AttributeClause():
            known = {**run.facts.attributes, **run.values}
            return compare(clause.operator, known.get(clause.key, ""), clause.value)
        case d.StatusClause():
            return walk.scene.status in clause.statuses
        case d.HoursClause():
            return is_open(run.facts.hours, walk.now) is clause.is_open
        case d.AiClause():
            message = "the model judges it"
            raise TypeError(message)
        case _:
            assert_never(clause)


def _name(clause: d.Clause) -> str:
    """Name the clause that decided, for the kept step."""
    match clause:
        case d.MessageClause() | d.AttributeClause():
            return f"{clause.kind} {clause.operator}"
        case d.TagClause():
            return f"tag {clause.tag}"
        case _:
            return clause.kind


# --- Actions -----------------------------------------------------------------------


def act(walk: Walk, token: Token, node: d.ActionNode) -> None:
    """Do an action; the token's step has begun."""
    match node.action:
        case d.SendMessage(text):
            _send(walk, token, text)
        case d.Delay(duration):
            due_at = walk.now + duration.length
            walk.put(replace(token, phase=Phase.DELAYED, due_at=due_at))
        case d.Webhook() | d.SendEmail():
            _reach_out(walk, token, node.action)
        case _:
            _change(walk, node.action)
            follow(walk, token, EdgeKind.SUCCESS, Outcome.DONE)


def _change(
    walk: Walk,
    action: d.TagCustomer
    | d.UntagCustomer
    | d.RedirectConversation
    | d.TransferToHuman
    | d.ControlAiResponse,
) -> None:
    """Do what needs nobody outside: it is part of the same transaction."""
    facts = walk.run.facts
    match action:
        case d.TagCustomer(tag):
            if tag not in facts.tags:
                walk.effects.append(ChangeCard(add_tags=(tag,)))
                tagged = replace(facts, tags=(*facts.tags, tag))
                walk.run = replace(walk.run, facts=tagged)
        case d.UntagCustomer(tag):
            walk.effects.append(ChangeCard(remove_tags=(tag,)))
            rest = tuple(other for other in facts.tags if other != tag)
            walk.run = replace(walk.run, facts=replace(facts, tags=rest))
        case d.RedirectConversation(destination):
            _redirect(walk, destination)
        case d.TransferToHuman():
            _redirect(walk, d.RedirectTo.SUPPORT)
        case d.ControlAiResponse(ai_enabled):
            walk.effects.append(SwitchAi(ai_enabled))
        case _:
            assert_never(action)


def _redirect(walk: Walk, destination: d.RedirectTo) -> None:
    is_ai = destination is d.RedirectTo.AI
    status = d.ConversationStatus
    walk.effects.append(Redirect(destination))
    walk.set_status(status.ACTIVE if is_ai else status.SUPPORT_ACTIVE)


def _send(walk: Walk, token: Token, template: str) -> None:
    text = walk.fill(template)
    problem = "" if walk.scene.may_write else NO_WINDOW
    problem = problem or ("" if text.strip() else NO_WORDS)
    if problem:
        follow(walk, token, EdgeKind.FAILURE, Outcome.FAILED, problem)
        return
    walk.write(token, text, is_awaited=True)
    sending = replace(token, phase=Phase.SENDING, text_number=walk.run.texts)
    walk.put(replace(sending, due_at=walk.now + SEND_LIMIT))


def _reach_out(walk: Walk, token: Token, action: d.Webhook | d.SendEmail) -> None:
    work = build_work(walk, token, action)
    if work is None:
        follow(walk, token, EdgeKind.FAILURE, Outcome.FAILED, NO_ADDRESS)
        return
    walk.perform(token, work)


def build_work(
    walk: Walk, token: Token, action: d.Webhook | d.SendEmail
) -> Work | None:
    """Build what is done outside; None for a customer without an address."""
    if isinstance(action, d.Webhook):
        body = walk.fill(action.body, Escape.JSON) if action.body else ""
        return CallWebhook(
            url=walk.fill(action.url, Escape.URL),
            method=action.method,
            body=body or _report(walk, token),
            save=action.save,
        )
    is_to_customer = action.to is d.MailTo.CUSTOMER
    known = {**walk.run.facts.attributes, **walk.run.values}
    address = known.get("email", "") if is_to_customer else action.address
    if is_to_customer and not address:
        return None
    return SendMail(
        address=address,
        subject=walk.fill(action.subject, Escape.HEADER),
        text=walk.fill(action.text),
        is_to_customer=is_to_customer,
    )


def _report(walk: Walk, token: Token) -> str:
    """Return what a webhook gets that names no body of its own."""
    run, facts = walk.run, walk.run.facts
    report = {
        "run_id": str(run.id),
        "workflow_id": str(run.workflow.workflow_id),
        "version": run.workflow.version,
        "node": token.node,
        "platform": walk.scene.platform,
        "customer": {
            "platform_id": facts.platform_id,
            "first_name": facts.first_name,
            "last_name": facts.last_name,
            "username": facts.username,
            "tags": facts.tags,
            "attributes": facts.attributes,
        },
        "message": run.text,
        "values": run.values,
    }
    return orjson.dumps(report).decode()
