"""Which way of retrieving a conversation gets."""

import pytest

from deployments.answers.retriever import Variant, choose_variant

OLD, NEW = Variant.CONTEXT_RETRIEVER, Variant.PRODUCTION_RAG


@pytest.mark.parametrize("kept", [None, OLD, NEW])
@pytest.mark.parametrize("is_rolled_out", [False, True])
def test_a_switch_that_is_set_decides_for_conversations_that_have_begun_too(
    kept: Variant | None, is_rolled_out: bool
) -> None:
    assert choose_variant(False, kept, is_rolled_out=is_rolled_out) is OLD
    assert choose_variant(True, kept, is_rolled_out=is_rolled_out) is NEW


@pytest.mark.parametrize("is_rolled_out", [False, True])
def test_a_conversation_keeps_the_variant_it_began_with(is_rolled_out: bool) -> None:
    assert choose_variant(None, OLD, is_rolled_out=is_rolled_out) is OLD
    assert choose_variant(None, NEW, is_rolled_out=is_rolled_out) is NEW


def test_a_conversation_that_begins_gets_what_the_percentage_says() -> None:
    assert choose_variant(None, None, is_rolled_out=False) is OLD
    assert choose_variant(None, None, is_rolled_out=True) is NEW
