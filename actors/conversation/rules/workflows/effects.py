"""Turns the effects of a run into the conversation's own."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from actors.conversation import effects, events
from actors.conversation.effects import Decision, Effect
from actors.conversation.rules import takeover
from actors.conversation.rules.delivery import enqueue
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.send_limits import has_room
from actors.conversation.rules.splitting import split_for
from actors.conversation.state import (
    Author,
    Conversation,
    Destination,
    Processing,
)
from actors.workflow import run as workflow
from actors.workflow.run import Run
from persistence.ids import ConversationId, EventId, RunId, derive_event_id


def derive_text_id(conversation: ConversationId, run: RunId, number: int) -> EventId:
    """Derive the id of a text of a run: of its event, and so of its message."""
    return derive_event_id(conversation, f"workflow:{run}:{number}")


def carry_out(
    state: Conversation,
    run: Run,
    ordered: tuple[workflow.RunEffect, ...],
    at: datetime,
    policy: Policy,
) -> Decision:
    """Carry out what a run ordered, in order."""
    done: list[Effect] = []
    for effect in ordered:
        match effect:
            case workflow.SendText():
                done.append(effects.Raise(_speak(state, run, effect, at)))
            case workflow.Redirect(destination):
                decision = takeover.redirect(
                    state, Destination(destination.value), at, policy
                )
                state, done = decision.state, [*done, *decision.effects]
            case workflow.SwitchAi(ai_enabled):
                decision = takeover.switch_ai(state, at, policy, ai_enabled=ai_enabled)
                state, done = decision.state, [*done, *decision.effects]
            case workflow.FinishRun():
                done += [] if effect.is_silent else _finish(run, effect)
            case workflow.RecordStep():
                done += [
                    effects.RecordRunStep(run.id, effect),
                    effects.Count(effects.Counter.WORKFLOW_STEPS, effect.outcome.value),
                ]
            case workflow.ChangeCard():
                done.append(effects.ChangeCard(effect, run.depth + 1))
            case workflow.Perform():
                done.append(effects.PerformWork(run, effect))
            case workflow.LetAiAnswer():
                # The conversation's own rules have begun to answer the message.
                continue
            case _:
                assert_never(effect)
    return Decision(state, tuple(done))


def on_spoke(state: Conversation, event: events.WorkflowSpoke) -> Decision:
    """Store and send a run's text, unless too much waits to be sent already."""
    if not has_room(state.sends, split_for(state.source, event.text)):
        return Decision(state)
    message = effects.RecordMessage(
        id=events.message_id_of(event),
        author=Author.AI,
        content=event.text,
        created_at=event.at,
        processing=Processing.COMPLETED,
        position=state.next_position,
        written_by=effects.WrittenBy(event.workflow_id, event.run_id, event.node),
    )
    state, message, sends = enqueue(state, message)
    return Decision(replace(state, last_message_id=message.id), (message, *sends))


def _speak(
    state: Conversation, run: Run, effect: workflow.SendText, at: datetime
) -> events.WorkflowSpoke:
    return events.WorkflowSpoke(
        id=derive_text_id(state.id, run.id, effect.number),
        conversation_id=state.id,
        at=at,
        run_id=run.id,
        workflow_id=run.workflow.workflow_id,
        node=effect.node,
        step=effect.step,
        text=effect.text,
        is_awaited=effect.is_awaited,
    )


def _finish(run: Run, end: workflow.FinishRun) -> list[Effect]:
    why = f": {end.reason}" if end.reason else ""
    line = (
        f"[Workflow] run {run.id} of workflow {run.workflow.workflow_id} ended"
        f" {end.status} after {run.steps} steps{why}"
    )
    return [
        effects.RecordRun(run, end.reason),
        effects.Count(effects.Counter.WORKFLOW_RUNS, end.status.value),
        effects.WriteLog(effects.LogName.WORKFLOW, line),
    ]
