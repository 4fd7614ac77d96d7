"""A fault in a workflow costs its run, and never a customer's message."""

from structlog.testing import capture_logs

from actors.conversation.shard.batch_decider import BatchDecider
from actors.conversation.shard.workflow_catalog import NoWorkflows, WorkflowCatalog
from actors.workflow import definition as d
from actors.workflow.definition import NO_GRAPH
from tests.support.conversation.conversations import POLICY
from tests.support.workflow.run import define
from tests.support.workflow.story import WorkflowStory

ASK = d.Waiting("ask", "ایمیل؟", "email", d.AnswerKind.EMAIL)


class BrokenCatalog(WorkflowCatalog):
    """Knows definitions that lack the nodes at which runs stand."""

    @property
    def book(self) -> dict[d.VersionRef, d.Graph]:
        """Return graphs without nodes."""
        return dict.fromkeys(self.refs, NO_GRAPH)

    refs: tuple[d.VersionRef, ...] = ()


def test_a_message_is_stored_although_its_workflow_is_broken() -> None:
    story = WorkflowStory(define(ASK))
    story.customer_writes("سلام", 0)
    story.works(0.1)
    catalog = BrokenCatalog(NoWorkflows())
    catalog.refs = tuple(story.book)
    decider = BatchDecider(POLICY, catalog, {story.id: story.now}, 7)
    message = story.customer_event("قیمت پالتو؟", 5, "m-late")
    with capture_logs() as lines:
        assert decider.add(message, is_checked=True) == 8
    assert [line["event"] for line in lines] == ["workflow_poisoned"]
    state = decider.builder.states[story.id]
    assert state.runs == ()
    assert story.message_of("m-late") in state.questions
    assert state.reply is not None
    (run,) = decider.builder.batch.progress.runs.values()
    assert run.status == "cancelled"
