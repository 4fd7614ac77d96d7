"""The texts that every language must have."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    """A language of the console."""

    FA = "fa"
    EN = "en"

    @property
    def direction(self) -> str:
        """Return the direction of writing, for the `dir` attribute."""
        return "rtl" if self is Language.FA else "ltr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The texts of the pages. Braces are filled in."""

    # Frame
    inbox: str
    skip: str
    sign_out: str
    other_language: str
    theme: str
    online: str
    offline: str
    help_title: str
    keys: Mapping[str, str]
    close: str
    # Sign-in
    sign_in: str
    sign_in_lead: str
    username: str
    password: str
    wrong_password: str
    too_many_attempts: str
    # Errors
    error_title: str
    not_found: str
    not_allowed: str
    forged: str
    unavailable: str
    failed: str
    back: str
    # Inbox
    views: Mapping[str, str]
    empty: Mapping[str, str]
    no_channel: str
    no_channel_lead: str
    choose: str
    changes: str
    more: str
    unread: str
    nameless: str
    sources: Mapping[str, str]
    owners: Mapping[str, str]
    assigned_to: str
    waits: str
    waits_now: str
    snoozed_until: str
    # Time
    now: str
    minutes: str
    hours: str
    days: str
    today: str
    yesterday: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    # Thread
    thread: str
    earlier: str
    new_messages: str
    customer: str
    assistant: str
    colleague: str
    workflow: str
    note: str
    note_by: str
    gone_author: str
    unsent: str
    no_text: str
    share: str
    sources_of: str
    why: str
    deliveries: Mapping[str, str]
    retry: str
    right_until: str
    right_over: str
    lease_until: str
    pending_share: str
    # Actions
    take_over: str
    give_back: str
    redirect: str
    destinations: Mapping[str, str]
    close_conversation: str
    reopen: str
    claim: str
    unclaim: str
    snooze: str
    snooze_choices: Mapping[str, str]
    wake: str
    mark_unread: str
    # Composer
    answer: str
    answer_label: str
    note_label: str
    answer_hint: str
    note_hint: str
    send: str
    send_note: str
    newer: str
    send_anyway: str
    too_late: str
    refused: str
    # Knowledge
    knowledge: str
    knowledge_empty: str
    add_document: str
    try_it: str
    search: str
    title: str
    kind: str
    kinds: Mapping[str, str]
    text: str
    save: str
    delete: str
    states: Mapping[str, str]
    pieces: str
    changed: str
    question: str
    ask: str
    nothing_found: str
    relevance: str
    score: str
    by_meaning: str
    by_words: str
    took: str
    degraded: str
    # Proof
    proof: str
    erased: str
    the_answer: str
    understood: str
    decided: str
    searched: str
    quoted: str
    prompt: str
    no_prompt: str
    method: str
    model: str
    faults: str
    ask_again: str
    make_faq: str
    to_conversation: str
