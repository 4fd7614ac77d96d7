"""Decides on the events of one batch, and on those that follow from them."""

from collections import deque
from collections.abc import Iterator, Mapping

import structlog

from actors.conversation import effects
from actors.conversation.effects import Decision
from actors.conversation.events import Event
from actors.conversation.rules.decide import decide
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.workflows.triggers import find_starts
from actors.conversation.shard.batch_builder import (
    BatchBuilder,
    build_state_row,
    check_size,
)
from actors.conversation.shard.workflow_catalog import WorkflowCatalog
from actors.conversation.state import Conversation
from actors.errors import ActorError
from persistence.ids import ConversationId

#: A run's texts and what it triggers; more would be a fault of ours.
MAX_FOLLOWING = 200

log = structlog.get_logger("shard")


class BatchDecider:
    """Decides on events in order; their rows and commands gather in `builder`."""

    def __init__(
        self,
        policy: Policy,
        workflows: WorkflowCatalog,
        states: Mapping[ConversationId, Conversation],
        seq: int,
    ) -> None:
        """`seq`: the shard's last sequence number; `states`: those before the batch."""
        self._policy = policy
        self._workflows = workflows
        self._states = states
        self.builder = BatchBuilder()
        self.seq = seq
        self.events = 0

    def present(self, key: ConversationId) -> Conversation | None:
        """Return a conversation as the events so far have left it."""
        return self.builder.states.get(key) or self._states.get(key)

    def add(self, event: Event, *, is_checked: bool) -> int:
        """Decide on the event and on all that follows; return its sequence number.

        `is_checked`: refuse what makes the state too large.

        Raises:
            ActorError: the rules refuse the event. Nothing of it is in the batch.
        """
        following = deque(self._decide(event, is_checked=is_checked))
        seq = self.seq
        for _ in range(MAX_FOLLOWING):
            if not following:
                break
            follower = following.popleft()
            try:
                # What follows comes before what follows the next one.
                following.extendleft(reversed([*self._decide(follower)]))
            except ActorError as error:
                log.warning(
                    "following_event_refused",
                    event_id=str(follower.id),
                    error=repr(error),
                )
            except Exception:
                # The event itself stands; a run whose text is lost waits in vain.
                log.exception("following_event_poisoned", event_id=str(follower.id))
        return seq

    def _decide(self, event: Event, *, is_checked: bool = False) -> Iterator[Event]:
        before = self.present(event.conversation_id)
        decision = self._apply(before, event)
        row = build_state_row(decision.state, event.at)
        if is_checked:
            check_size(row, event.id)
        starts = self._find_starts(before, event, decision)
        self.seq += 1
        self.events += 1
        self.builder.add(event, decision, self.seq, row, is_new=before is None)
        raised = (
            effect.event
            for effect in decision.effects
            if isinstance(effect, effects.Raise)
        )
        return iter((*raised, *starts))

    def _apply(self, before: Conversation | None, event: Event) -> Decision:
        """Decide; a fault in a workflow costs its runs, and never a message."""
        try:
            return decide(before, event, self._policy, self._workflows.book)
        except ActorError:
            raise
        except Exception:
            if before is None or not before.runs:
                raise
            log.exception("workflow_poisoned", event_id=str(event.id))
            # Without definitions its runs end, as if their versions were gone.
            return decide(before, event, self._policy)

    def _find_starts(
        self, before: Conversation | None, event: Event, decision: Decision
    ) -> tuple[Event, ...]:
        table = self._workflows.table_of(decision.state.tenant_id)
        if not table:
            return ()
        try:
            return find_starts(table, before, event, decision)
        except Exception:
            log.exception("triggers_poisoned", event_id=str(event.id))
            return ()
