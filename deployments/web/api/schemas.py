"""Building blocks of the API's requests and answers, and pages of lists."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, TypeVar
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

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 200
#: Far past any list, and small enough for the database's numbers.
MAX_PAGE = 1_000_000

#: Control characters, and the separators of lines and paragraphs.
_BREAKING = frozenset({"Cc", "Zl", "Zp"})

Row = TypeVar("Row")


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


class RequestBody(BaseModel):
    """The body of a request; an unknown field is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """The body of an answer."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Page(Answer, Generic[Row]):
    """One page; the links are null at the ends."""

    count: int
    next: str | None
    previous: str | None
    results: list[Row]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for a page: its address, and the number and size of the page."""

    request: Request
    page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1
    page_size: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = DEFAULT_PAGE_SIZE

    @property
    def limit(self) -> int:
        """The number of rows on the page."""
        return self.page_size

    @property
    def offset(self) -> int:
        """The number of rows before the page."""
        return (self.page - 1) * self.page_size

    def build(self, count: int, results: Iterable[Row]) -> Page[Row]:
        """Build the page's answer. A page past the end is empty, not an error."""
        last = max(1, -(-count // self.page_size))
        return Page(
            count=count,
            next=self._link(self.page + 1) if self.page < last else None,
            previous=self._link(min(self.page - 1, last)) if self.page > 1 else None,
            results=list(results),
        )

    def _link(self, page: int) -> str:
        return str(self.request.url.include_query_params(page=page))


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
    needs_operator: bool
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
