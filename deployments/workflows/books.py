"""The versions of workflows that a history's runs went through, for a replay."""

from collections.abc import Iterable, Mapping

from actors.conversation.codec import decode_event
from actors.conversation.events import WorkflowTriggered
from actors.workflow.definition import Graph, VersionRef, build_graph
from actors.workflow.documents import read_definition
from persistence.history import StoredEvent
from persistence.workflows import VersionRow


def find_versions(steps: Iterable[StoredEvent]) -> frozenset[VersionRef]:
    """Return the versions that the events name.

    Raises:
        ValueError: an event can't be read.
    """
    started = (step for step in steps if step.kind == WorkflowTriggered.__name__)
    events = [decode_event(step.kind, step.payload) for step in started]
    return frozenset(
        event.workflow for event in events if isinstance(event, WorkflowTriggered)
    )


def build_book(rows: Iterable[VersionRow]) -> Mapping[VersionRef, Graph]:
    """Build the graphs of these versions.

    Raises:
        ValueError: a definition can't be read.
    """
    return {
        VersionRef(row.workflow_id, row.version): build_graph(
            read_definition(row.definition)
        )
        for row in rows
    }
