"""Replays of the events that once showed a fault."""

from pathlib import Path

import pytest
from pydantic import BaseModel, TypeAdapter

from actors.conversation.codec import decode_event
from actors.conversation.effects import DeliverPart
from actors.conversation.rules.decide import decide
from actors.conversation.rules.policy import Policy
from actors.conversation.state import Conversation, Source, check_invariants
from tests.support.conversation.reference_model import ReferenceModel, differences

FOLDER = Path(__file__).parents[2] / "replays"


class Replay(BaseModel):
    """A fault, and the events of one Instagram conversation that showed it."""

    fault: str
    found_by: str
    #: How often the platform is called in all.
    calls: int
    events: list[dict[str, object]]


@pytest.mark.parametrize(
    "path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem
)
def test_a_fault_that_was_found_does_not_come_back(path: Path) -> None:
    replay = Replay.model_validate_json(path.read_text(encoding="utf-8"))
    state: Conversation | None = None
    model, calls = ReferenceModel(Source.INSTAGRAM), 0
    for fields in replay.events:
        kind = str(fields.pop("kind"))
        payload = TypeAdapter(dict[str, object]).dump_json(fields).decode()
        event = decode_event(kind, payload)
        decision = decide(state, event, Policy())
        state = decision.state
        # In these stories every echo is of a message of ours.
        model.apply(event, is_owners=False)
        assert differences(model, state) == [], replay.fault
        check_invariants(state)
        calls += sum(isinstance(effect, DeliverPart) for effect in decision.effects)
    assert state is not None
    assert calls == replay.calls, replay.fault
    # In none of these stories is anything left to be sent.
    assert state.sends == (), replay.fault
