"""Building blocks of the API's requests and answers, and pages of lists."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from actors.conversation.rules.placeholders import has_words
from deployments.web.api.errors import InvalidValueError
from persistence.paging import Found, Key, KeyPart, Window

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 200
#: Small enough for the database's numbers.
MAX_PAGE = 1_000_000
#: A page by its number alone is counted off row by row: further ones go by `cursor`.
MAX_OFFSET = 10_000
#: The kinds of keys that lists are ordered by.
TIME_KEY = (datetime, UUID)
NUMBERS_KEY = (int, int)
NUMBER_KEY = (int,)

#: Control characters, and the separators of lines and paragraphs.
_BREAKING = frozenset({"Cc", "Zl", "Zp"})

Row = TypeVar("Row")
Stored = TypeVar("Stored")


def _refuse_nul(text: str) -> str:
    # PostgreSQL's text can't hold NUL, and no person types it.
    if "\x00" in text:
        message = "must not contain NUL characters"
        raise ValueError(message)
    return text


def _refuse_breaks(text: str) -> str:
    # A name stands in subjects, lists and log lines: nothing in it may end a line.
    if any(unicodedata.category(sign) in _BREAKING for sign in text):
        message = "must not contain line breaks or control characters"
        raise ValueError(message)
    return text


def _refuse_blank(text: str) -> str:
    if not has_words(text):
        message = "must not be blank"
        raise ValueError(message)
    return text


#: Placed after the constraints, so that they check the constrained value.
NoNul = AfterValidator(_refuse_nul)
NotBlank = AfterValidator(_refuse_blank)

#: A short label, without the spaces around it.
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_refuse_breaks),
]
#: An empty filter, as a form sends it, is none.
LeftEmpty = BeforeValidator(lambda value: None if value == "" else value)
#: Words that lists are searched for.
SearchWords = Annotated[str, StringConstraints(max_length=200), NoNul]


#: The `position` of a message.
MessagePosition = Annotated[int, Field(strict=True, ge=0, lt=2**63)]


class RequestBody(BaseModel):
    """The body of a request; an unknown field is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """The body of an answer."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Page(Answer, Generic[Row]):
    """One page; the links are null at the ends.

    Unless `is_count_exact`, the list has at least `count` rows: counting goes no
    further than 1,000, and a search is not counted.
    """

    count: int
    is_count_exact: bool = True
    next: str | None
    previous: str | None
    results: list[Row]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for a page: its address, and the number and size of the page.

    `cursor` is the place in the list where the page begins, as a `next` link names it:
    so pages miss nothing that moves meanwhile, and the last is as quick as the first.
    """

    request: Request
    page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1
    page_size: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = DEFAULT_PAGE_SIZE
    cursor: Annotated[str | None, Query(max_length=100)] = None

    @property
    def limit(self) -> int:
        """The number of rows on the page."""
        return self.page_size

    @property
    def offset(self) -> int:
        """The number of rows before the page. Raises InvalidValueError if too many."""
        if self._before > MAX_OFFSET:
            message = (
                f"page: the first {MAX_OFFSET} rows can be reached by number;"
                " go on by the `next` links"
            )
            raise InvalidValueError(message)
        return self._before

    def window(self, kinds: tuple[type[KeyPart], ...] = TIME_KEY) -> Window:
        """Return which rows to read. Raises InvalidValueError."""
        if not self.cursor:
            return Window(self.page_size, self.offset)
        after = _read_cursor(self.cursor, kinds)
        return Window(self.page_size, self._before, after)

    def build_found(self, found: Found[Stored], results: Iterable[Row]) -> Page[Row]:
        """Build the answer of a page that goes by keys."""
        following = None
        if found.last is not None:
            cursor = _write_cursor(found.last)
            following = self._link(self.page + 1, cursor)
        last = max(1, -(-found.count // self.page_size))
        number = min(self.page - 1, last) if found.is_exact else self.page - 1
        can_count = (number - 1) * self.page_size <= MAX_OFFSET
        return Page(
            count=found.count,
            is_count_exact=found.is_exact,
            next=following,
            previous=self._link(number) if self.page > 1 and can_count else None,
            results=list(results),
        )

    def build(self, count: int, results: Iterable[Row]) -> Page[Row]:
        """Build the page's answer. A page past the end is empty, not an error."""
        last = max(1, -(-count // self.page_size))
        return Page(
            count=count,
            next=self._link(self.page + 1) if self.page < last else None,
            previous=self._link(min(self.page - 1, last)) if self.page > 1 else None,
            results=list(results),
        )

    @property
    def _before(self) -> int:
        return (self.page - 1) * self.page_size

    def _link(self, page: int, cursor: str | None = None) -> str:
        url = self.request.url.remove_query_params("cursor")
        url = url.include_query_params(page=page)
        return str(url.include_query_params(cursor=cursor) if cursor else url)


def _write_cursor(key: Key) -> str:
    return "_".join(
        part.isoformat() if isinstance(part, datetime) else str(part) for part in key
    )


def _read_cursor(text: str, kinds: tuple[type[KeyPart], ...]) -> Key:
    """Read a cursor that this kind of list has given. Raises InvalidValueError."""
    try:
        parts = text.split("_")
        key = tuple(
            _READERS[kind](part) for kind, part in zip(kinds, parts, strict=True)
        )
    except ValueError as error:
        message = "cursor: take it from the `next` link of this very list"
        raise InvalidValueError(message) from error
    return key


def _read_instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        # An hour beyond the calendar: no list has given that.
        raise ValueError(text) from error


def _read_number(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError(text)
    return number


_READERS: Mapping[type[KeyPart], Callable[[str], KeyPart]] = {
    datetime: _read_instant,
    int: _read_number,
    UUID: UUID,
}
Paging = Annotated[PageRequest, Depends()]


class Problem(Answer):
    """An error; `fields` names each invalid field of a request."""

    detail: str
    fields: dict[str, str] = Field(default_factory=dict)


class CustomerOut(Answer):
    """The customer of a conversation."""

    id: UUID
    platform_id: str
    first_name: str
    last_name: str
    username: str
    tags: list[str]


class PendingShareOut(Answer):
    """A shared post that waits for its question."""

    message_id: UUID
    due_at: datetime


class LastMessageOut(Answer):
    """The last message of a conversation."""

    id: UUID
    type: str
    content: str
    created_at: datetime


class ReplyRightOut(Answer):
    """Who may answer now: the AI, a person, or a workflow's run until its time."""

    holder: Literal["ai", "workflow", "person"]
    until: datetime | None = None
    workflow_id: UUID | None = None
    run_id: UUID | None = None


class AssigneeOut(Answer):
    """The person who looks after a conversation."""

    id: UUID
    username: str


class ConversationOut(Answer):
    """A conversation."""

    id: UUID
    status: str
    ai_enabled: bool
    department: str | None
    source: str
    channel_id: UUID
    customer: CustomerOut
    pending_share: PendingShareOut | None
    can_reply_until: datetime | None
    reply_right: ReplyRightOut
    needs_operator: bool
    #: Since when the customer waits: for an answer, or for the person who is needed.
    waiting_since: datetime | None
    #: The `position` of the newest message; an operator who has seen it has seen all.
    newest_position: int
    #: Whether the caller has not read all that others wrote; null in the live feed,
    #: whose frames are everybody's.
    unread: bool | None
    assignee: AssigneeOut | None
    #: Until when it is put aside; a message of the customer ends that earlier.
    snoozed_until: datetime | None
    last_message: LastMessageOut | None
    updated_at: datetime


class PromptMessageOut(Answer):
    """A message that a model read."""

    role: str
    content: str


class ProofOut(Answer):
    """What an answer rests on; all of it is empty once it was erased."""

    message_id: UUID
    is_erased: bool
    prompt: list[PromptMessageOut] = []
    questions: list[str] = []
    understanding: dict[str, object] = {}
    faults: list[str] = []


class MessageOut(Answer):
    """A message."""

    id: UUID
    type: str
    message_type: str
    content: str
    combined_content: str | None
    processing_status: str
    is_ai_response: bool
    platform_id: str | None
    delivery: str | None
    metadata: dict[str, object]
    #: Messages are shown in this order; equal ones in the order of the list.
    position: int
    feedback: str
    feedback_comment: str
    created_at: datetime
