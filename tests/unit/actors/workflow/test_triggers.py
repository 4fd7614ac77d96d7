"""Which workflows a message, a tag or a status starts."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from actors.workflow import definition as d
from actors.workflow.definition import ConversationStatus, Platform, VersionRef
from actors.workflow.triggers import (
    NO_TRIGGERS,
    ActiveWorkflow,
    Start,
    TriggerTable,
    compile_triggers,
    find_message_starts,
    find_status_starts,
    find_tag_starts,
)
from persistence.ids import WorkflowId


def table_of(*workflows: Sequence[d.Trigger]) -> TriggerTable:
    """Compile workflows of these triggers; they are numbered from 1."""
    return compile_triggers(
        ActiveWorkflow(
            VersionRef(WorkflowId(UUID(int=number)), 1),
            d.Definition(
                tuple(
                    d.When(f"when-{place}", trigger)
                    for place, trigger in enumerate(triggers, 1)
                )
            ),
        )
        for number, triggers in enumerate(workflows, 1)
    )


def by_message(
    table: TriggerTable,
    text: str,
    *,
    platform: Platform = Platform.TELEGRAM,
    status: ConversationStatus = ConversationStatus.ACTIVE,
    is_new: bool = False,
    is_text: bool = True,
) -> list[tuple[int, str]]:
    """Return which workflows a message starts, and by which node."""
    return numbered(
        find_message_starts(
            table, text, platform, status, is_new_customer=is_new, is_text=is_text
        )
    )


def numbered(starts: Sequence[Start]) -> list[tuple[int, str]]:
    """Return workflows by number, and nodes."""
    return [(start.ref.workflow_id.int, start.node) for start in starts]


BUY = d.ReceiveMessage(keywords=("خرید", "سفارش بده"))
ANY = d.ReceiveMessage()
NEW = d.NewCustomer()


def test_keywords_are_whole_words_in_any_spelling() -> None:
    table = table_of([BUY], [ANY], [d.ReceiveMessage(keywords=("پالتو",))])
    assert by_message(table, "برای خريد چه کنم؟") == [(1, "when-1"), (2, "when-1")]
    assert by_message(table, "خریدار") == [(2, "when-1")]
    assert by_message(table, "سفارش‌بده لطفاً") == [(1, "when-1"), (2, "when-1")]


def test_media_without_words_fit_only_where_no_words_are_wanted() -> None:
    assert by_message(table_of([BUY], [ANY]), "") == [(2, "when-1")]


def test_a_message_starts_a_workflow_once() -> None:
    """A message triggers a workflow at most once, whatever fits."""
    both = d.ReceiveMessage(keywords=("خرید", "پالتو"))
    table = table_of([ANY, both, NEW])
    assert by_message(table, "خرید پالتو") == [(1, "when-1")]
    assert by_message(table, "خرید پالتو", is_new=True) == [(1, "when-3")]


def test_who_is_new_is_new_without_words() -> None:
    table = table_of([NEW], [ANY])
    assert by_message(table, "", is_new=True, is_text=False) == [(1, "when-1")]
    assert by_message(table, "سلام") == [(2, "when-1")]


@pytest.mark.parametrize("trigger", [ANY, NEW])
def test_channels_narrow_it(trigger: d.ReceiveMessage | d.NewCustomer) -> None:
    kind = type(trigger)
    table = table_of([kind(channels=(Platform.INSTAGRAM,))])
    assert by_message(table, "سلام", is_new=True) == []
    found = by_message(table, "سلام", platform=Platform.INSTAGRAM, is_new=True)
    assert found == [(1, "when-1")]


def test_while_a_person_leads_only_those_begin_that_say_so() -> None:
    support = ConversationStatus.SUPPORT_ACTIVE
    table = table_of(
        [ANY], [d.ReceiveMessage(statuses=(support,))], [d.ReceiveMessage(statuses=())]
    )
    assert by_message(table, "سلام") == [(1, "when-1"), (3, "when-1")]
    assert by_message(table, "سلام", status=support) == [(2, "when-1"), (3, "when-1")]


def test_tags_of_a_trigger_are_looked_up_later() -> None:
    table = table_of([d.ReceiveMessage(tags=("vip",))])
    (start,) = find_message_starts(
        table,
        "سلام",
        Platform.TELEGRAM,
        ConversationStatus.ACTIVE,
        is_new_customer=False,
        is_text=True,
    )
    assert start.tags == ("vip",)


def test_tags_and_statuses() -> None:
    closed = ConversationStatus.CLOSED
    table = table_of(
        [d.AddTag(("vip",))],
        [d.AddTag()],
        [d.StatusChanged((closed,)), d.StatusChanged()],
    )
    assert numbered(find_tag_starts(table, "vip")) == [(1, "when-1"), (2, "when-1")]
    assert numbered(find_tag_starts(table, "other")) == [(2, "when-1")]
    assert numbered(find_status_starts(table, closed)) == [(3, "when-1")]
    active = find_status_starts(table, ConversationStatus.ACTIVE)
    assert numbered(active) == [(3, "when-2")]


def test_without_triggers_of_the_shard_the_table_is_false() -> None:
    assert not NO_TRIGGERS
    assert not table_of([d.Manual()])
    assert table_of([ANY])
