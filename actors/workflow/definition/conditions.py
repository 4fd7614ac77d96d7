"""The clauses of a condition."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from actors.workflow.definition.terms import (
    MAX_TEXT_CHARS,
    ConversationStatus,
    Key,
    Tag,
    Text,
)


class Operator(StrEnum):
    """Comparisons of texts, by folded Persian spelling."""

    EQUALS_TO = "equals_to"
    NOT_EQUAL = "not_equal"
    START_WITH = "start_with"
    NOT_START_WITH = "not_start_with"
    END_WITH = "end_with"
    NOT_END_WITH = "not_end_with"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"


@dataclass(frozen=True, slots=True)
class MessageClause:
    """The customer's newest message compares so with the value."""

    operator: Operator
    value: Text
    kind: Literal["message"] = "message"


@dataclass(frozen=True, slots=True)
class TagClause:
    """The customer has the tag, or has it not."""

    tag: Tag
    has: bool = True
    kind: Literal["tag"] = "tag"


@dataclass(frozen=True, slots=True)
class AttributeClause:
    """An attribute of the customer, or a value of the run, compares so."""

    key: Key
    operator: Operator
    value: Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)]
    kind: Literal["attribute"] = "attribute"


@dataclass(frozen=True, slots=True)
class StatusClause:
    """The conversation has one of these statuses."""

    statuses: Annotated[
        tuple[ConversationStatus, ...], Field(min_length=1, max_length=4)
    ]
    kind: Literal["status"] = "status"


@dataclass(frozen=True, slots=True)
class HoursClause:
    """The business is open now, or is closed."""

    is_open: bool = True
    kind: Literal["business_hours"] = "business_hours"


@dataclass(frozen=True, slots=True)
class AiClause:
    """The model answers the question about the newest message with yes."""

    prompt: Text
    kind: Literal["ai"] = "ai"


Clause: TypeAlias = Annotated[
    MessageClause | TagClause | AttributeClause | StatusClause | HoursClause | AiClause,
    Field(discriminator="kind"),
]
