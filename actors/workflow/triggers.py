from dataclasses import dataclass

from actors.workflow.definition import *


@dataclass(frozen=True)
class ActiveWorkflow:
    ref: VersionRef
    definition: Definition


@dataclass(frozen=True)
class Start:
    ref: VersionRef
    node: str
    kind: TriggerKind
    limits: Limits
    tags: tuple = ()


class TriggerTable(tuple):
    pass


NO_TRIGGERS = TriggerTable()


def compile_triggers(active):
    return TriggerTable(active)


def _each(table):
    for w in table:
        for n in w.definition.nodes:
            if n.type == "when":
                yield w, n


def find_message_starts(table, text, platform, status, *, is_new_customer, is_text):
    for w, n in _each(table):
        t = n.trigger
        if (t.kind == "new_customer" and is_new_customer) or (
            t.kind == "receive_message"
            and (not t.statuses or status in t.statuses)
            and (is_text or not t.keywords)
            and (not t.keywords or any(k in text for k in t.keywords))
        ):
            yield Start(
                w.ref,
                n.id,
                TriggerKind(t.kind),
                w.definition.limits,
                getattr(t, "tags", ()),
            )


def find_tag_starts(table, tag):
    for w, n in _each(table):
        if n.trigger.kind == "add_tag" and (
            not n.trigger.tags or tag in n.trigger.tags
        ):
            yield Start(w.ref, n.id, TriggerKind.ADD_TAG, w.definition.limits)


def find_status_starts(table, status):
    for w, n in _each(table):
        if n.trigger.kind == "status_changed" and (
            not n.trigger.statuses or status in n.trigger.statuses
        ):
            yield Start(w.ref, n.id, TriggerKind.STATUS_CHANGED, w.definition.limits)
