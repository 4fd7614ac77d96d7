"""States and events are decoded as they were encoded."""

import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.conversation.codec import (
    decode_event,
    decode_state,
    encode_event,
    encode_proof,
    encode_state,
    kind_of,
    strip_proof,
)
from actors.conversation.events import (
    Event,
    ReplyWritten,
)
from actors.conversation.state import (
    Position,
    ProfileLookup,
    Send,
    Source,
)
from actors.conversation.traces import (
    AnswerTrace,
    BlockQuoted,
    PromptMessage,
    SourceCited,
)
from actors.errors import ActorError
from actors.workflow.definition import BusinessHours, ExceptionDay, OpenHours
from persistence.ids import MessageId, SendId
from tests.support.conversation.conversations import Story, at

#: What can be written down: times with a zone, text that PostgreSQL takes.
st.register_type_strategy(
    datetime,
    st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the zone is given beside them
)
st.register_type_strategy(
    timedelta, st.integers(0, 10**9).map(lambda ms: timedelta(milliseconds=ms))
)
st.register_type_strategy(str, st.text(st.characters(exclude_categories=["Cs"])))
st.register_type_strategy(UUID, st.uuids())
# Counts and numbers of platforms; JSON writers stop where 64 bits do.
st.register_type_strategy(int, st.integers(-(2**63), 2**63 - 1))
st.register_type_strategy(float, st.floats(-1e9, 1e9))


def test_a_state_survives_being_written_down() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("سلام", 0)
    story.reply_timer_fires(2)
    story.ai_writes("درود " * 400, 3, job=story.running_job())
    story.send_timer_fires(3)
    assert decode_state(encode_state(story.now)) == story.now


def test_a_state_full_of_all_that_can_wait_survives_being_written_down() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_shares("عنوان: مانتو", 0, "s1")
    story.apply(story.customer_event("چنده؟", 1, "m1", order=7))
    story.reply_timer_fires(3)
    story.ai_writes("صد تومن", 4, job=story.running_job())
    story.send_timer_fires(4)
    story.echo_arrives("صد تومن", 5, "mid.1")
    story.is_unsent("m1", 6)
    story.customer_shares("عنوان: شال", 7, "s2")
    story.customer_writes("و این؟", 8)
    story.customer_shares("عنوان: کفش", 9, "s3")
    story.operator_answers("سلام", 10)
    story.send_timer_fires(10)
    story.part_is_refused(11, permanent=True)
    state = story.now
    assert state.positions
    assert state.unsent_mids
    assert state.assumed
    assert state.dead
    assert decode_state(encode_state(state)) == state


def test_a_state_of_an_older_release_is_still_read() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("سلام", 0)
    written = orjson.loads(encode_state(story.now))
    for name in ("pending_share", "combined", "positions", "unsent_mids", "assumed"):
        del written[name]
    assert decode_state(orjson.dumps(written).decode()) == story.now


def test_an_event_survives_being_written_down() -> None:
    story = Story()
    source = SourceCited(1, "d", "c", "ارسال", "faq", None, 0.5)
    event = ReplyWritten(
        id=story.new_id(),
        conversation_id=story.id,
        at=at(1.5),
        job=story.new_id(),
        text="سلام",
        trace=AnswerTrace(sources=(source,), tokens=3),
    )
    assert decode_event(kind_of(event), encode_event(event)) == event


def test_a_trace_of_an_older_release_is_still_read() -> None:
    story = Story()
    event = ReplyWritten(
        id=story.new_id(),
        conversation_id=story.id,
        at=at(1),
        job=story.new_id(),
        text="سلام",
        trace=AnswerTrace(model="m"),
    )
    written = orjson.loads(encode_event(event))
    for name in ("prompt", "question", "questions", "quoted", "subject", "asked_back"):
        del written["trace"][name]
    assert decode_event(kind_of(event), orjson.dumps(written).decode()) == event


def test_the_proof_of_an_answer_is_kept_out_of_its_event() -> None:
    trace = AnswerTrace(
        model="m",
        prompt=(PromptMessage("user", "سلام"),),
        questions=("سلام",),
        question="سلام",
        quoted=(BlockQuoted("c1", "درود بر شما"),),
        understanding={"acts": ["greeting"]},
        faults=("empty",),
    )
    story = Story()
    event = ReplyWritten(
        id=story.new_id(),
        conversation_id=story.id,
        at=at(1),
        job=story.new_id(),
        text="درود",
        trace=trace,
    )
    assert strip_proof(event) == replace(event, trace=AnswerTrace(model="m"))
    assert orjson.loads(encode_proof(trace) or "") == {
        "prompt": [{"role": "user", "content": "سلام"}],
        "questions": ["سلام"],
        "question": "سلام",
        "quoted": [{"chunk_id": "c1", "text": "درود بر شما"}],
        "understanding": {"acts": ["greeting"]},
        "faults": ["empty"],
    }
    assert encode_proof(AnswerTrace(model="m")) is None
    assert encode_proof(None) is None


# Hypothesis reads no patterns of annotations.
DAY = st.builds(OpenHours, *[st.sampled_from(("00:00", "09:30", "23:59"))] * 2)
DAYS = st.lists(DAY, max_size=2).map(tuple)
HOURS = st.builds(
    BusinessHours,
    week=st.lists(DAYS, max_size=7).map(tuple),
    exceptions=st.lists(st.builds(ExceptionDay, hours=DAYS), max_size=2).map(tuple),
)
st.register_type_strategy(BusinessHours, HOURS)


@pytest.mark.parametrize("kind", Event.__args__, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_event_survives_whatever_it_carries(
    kind: type[Event], data: st.DataObject
) -> None:
    event = data.draw(st.from_type(kind))
    assert decode_event(kind_of(event), encode_event(event)) == event


def leaves(root: type[ActorError]) -> list[type[ActorError]]:
    return [root, *(leaf for sub in root.__subclasses__() for leaf in leaves(sub))]


def test_every_error_survives_the_way_between_actors() -> None:
    for kind in leaves(ActorError):
        error = kind("what happened")
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
        assert type(again) is kind
        assert str(again) == "what happened"
        assert again.permanent == error.permanent


def test_a_state_of_the_release_before_keeps_all_its_fields() -> None:
    # Its shards go on writing between migration 0017 and their end.
    story = Story()
    story.customer_writes("سلام", 0)
    assert story.state is not None
    words = '"placed": متن'
    send = Send(SendId(UUID(int=1)), MessageId(UUID(int=2)), 0, words, at(0))
    state = replace(
        story.state,
        unconfirmed=(send,),
        positions=(Position(3, 4, MessageId(UUID(int=5))),),
        profile_lookup=ProfileLookup(at(60), misses=2),
    )
    fields = orjson.loads(encode_state(state))
    lookup = fields.pop("profile_lookup")
    lookup["ask_at"] = lookup.pop("next_lookup_at")
    former = {
        **fields,
        "doubted": fields.pop("unconfirmed"),
        "placed": fields.pop("positions"),
        "quest": lookup,
    }
    for name in ("unconfirmed", "positions"):
        del former[name]
    assert decode_state(orjson.dumps(former).decode()) == state
