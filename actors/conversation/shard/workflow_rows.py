"""The rows of runs, steps and customers' cards that a decision changes."""

from datetime import datetime
from typing import assert_never

from persistence.workflow_runs import CardChange, Progress, RunUpdate, StepRow

from actors.conversation import effects
from actors.conversation.state import Conversation
from actors.workflow.run import Phase, Run, RunStatus

#: Of a reason or a detail, which may quote a customer.
MAX_DETAIL_CHARS = 500


def add_progress(
    progress: Progress,
    state: Conversation,
    effect: effects.RecordRun | effects.RecordRunStep | effects.ChangeCard,
    at: datetime,
) -> None:
    """Add what a run did to the rows of its batch."""
    match effect:
        case effects.RecordRun(run, reason):
            progress.runs[run.id] = RunUpdate(
                run_id=run.id,
                tenant_id=state.tenant_id,
                status=run.status.value,
                reason=reason[:MAX_DETAIL_CHARS],
                finished_at=None if run.status is RunStatus.RUNNING else at,
                waiting_for=_waiting_for(run),
            )
        case effects.RecordRunStep(run_id, step):
            progress.steps.append(
                StepRow(
                    run_id=run_id,
                    tenant_id=state.tenant_id,
                    conversation_id=state.id,
                    step=step.step,
                    node=step.node,
                    outcome=step.outcome.value,
                    edge=None if step.edge is None else step.edge.value,
                    detail=step.detail[:MAX_DETAIL_CHARS],
                    at=at,
                )
            )
        case effects.ChangeCard(change):
            progress.cards.append(
                CardChange(
                    customer_id=state.customer_id,
                    tenant_id=state.tenant_id,
                    add_tags=change.add_tags,
                    remove_tags=change.remove_tags,
                    attributes=change.attributes,
                )
            )
        case _:
            assert_never(effect)


def _waiting_for(run: Run) -> str:
    """Name the node at which the run stands, first of all one that asks."""
    if run.asked is not None:
        return run.asked.node
    delayed = [token for token in run.tokens if token.phase is Phase.DELAYED]
    standing = delayed or run.tokens
    return standing[0].node if standing else ""
