"""What requests and answers of the API are made of."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from actors.conversation.rules.placeholders import has_words


def _refuse_nul(text: str) -> str:
    # PostgreSQL's text can't hold it, and no person types it.
    if "\x00" in text:
        message = "must not contain NUL characters"
        raise ValueError(message)
    return text


def _refuse_blank(text: str) -> str:
    if not has_words(text):
        message = "must not be blank"
        raise ValueError(message)
    return text


#: Stand after the constraints, so that they see what these leave.
NoNul = AfterValidator(_refuse_nul)
NotBlank = AfterValidator(_refuse_blank)

#: A short label, without the spaces around it.
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    NoNul,
]
#: A filter that is left empty, as a form sends it, filters nothing.
LeftEmpty = BeforeValidator(lambda value: None if value == "" else value)
#: What lists are searched for.
SearchWords = Annotated[str, StringConstraints(max_length=200), NoNul]


class RequestBody(BaseModel):
    """A body; a misspelt field is refused instead of silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """A body of ours."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Problem(Answer):
    """What went wrong. `fields` says it by field when the request was invalid."""

    detail: str
    fields: dict[str, str] = Field(default_factory=dict)


class CustomerOut(Answer):
    """Who writes."""

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
    """What was said last."""

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
    #: A conversation is read in this order; what is equal, as it comes.
    position: int
    feedback: str
    feedback_comment: str
    created_at: datetime
