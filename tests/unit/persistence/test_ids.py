"""Ids that are derived are those of the standard, for as long as they are stored."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from persistence.ids import (
    SLOTS,
    ChannelId,
    ConversationId,
    derive_conversation_id,
    derive_customer_id,
    slot_of,
)

UUIDS = st.uuids()


@given(UUIDS, st.text())
def test_a_derived_id_is_a_uuid_of_version_five(channel: UUID, customer: str) -> None:
    derived = derive_conversation_id(ChannelId(channel), customer)
    assert derived == uuid5(channel, customer)
    assert derived.version == 5
    customers = derive_customer_id(ChannelId(channel), customer)
    assert customers == uuid5(channel, f"customer:{customer}")


@given(UUIDS)
def test_the_slot_is_that_of_the_first_two_bytes(conversation: UUID) -> None:
    first = int.from_bytes(conversation.bytes[:2])
    assert slot_of(ConversationId(conversation)) == first % SLOTS
