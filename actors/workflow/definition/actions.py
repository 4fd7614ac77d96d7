"""The actions of a run."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from actors.workflow.definition.terms import Duration, Key, RedirectTo, Tag, Text, Unit


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Write to the customer."""

    text: Text
    kind: Literal["send_message"] = "send_message"


@dataclass(frozen=True, slots=True)
class Delay:
    """Go on after the duration."""

    duration: Duration
    kind: Literal["delay"] = "delay"


@dataclass(frozen=True, slots=True)
class TagCustomer:
    """Give the customer a tag."""

    tag: Tag
    kind: Literal["add_tag"] = "add_tag"


@dataclass(frozen=True, slots=True)
class UntagCustomer:
    """Take a tag from the customer."""

    tag: Tag
    kind: Literal["remove_tag"] = "remove_tag"


@dataclass(frozen=True, slots=True)
class RedirectConversation:
    """Hand the conversation over, by the very rule of the API's redirect."""

    destination: RedirectTo
    kind: Literal["redirect_conversation"] = "redirect_conversation"


@dataclass(frozen=True, slots=True)
class TransferToHuman:
    """Hand the conversation to support."""

    kind: Literal["transfer_to_human"] = "transfer_to_human"


@dataclass(frozen=True, slots=True)
class ControlAiResponse:
    """Turn the AI on or off where the conversation stands."""

    ai_enabled: bool
    kind: Literal["control_ai_response"] = "control_ai_response"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Call an address of the tenant's, signed, and keep what it answers.

    `save` names values of the run after paths into the answer's JSON: a dot between
    members, numbers for places in lists.
    """

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    kind: Literal["webhook"] = "webhook"
    method: Literal["POST", "PUT", "PATCH", "GET"] = "POST"
    #: JSON with templates in its texts; empty for the run's own report.
    body: Annotated[str, StringConstraints(max_length=20_000)] = ""
    save: Annotated[
        dict[Key, Annotated[str, StringConstraints(min_length=1, max_length=200)]],
        Field(max_length=20),
    ] = field(default_factory=dict)


class MailTo(StrEnum):
    """Who gets an e-mail."""

    #: The address in the customer's attribute `email`.
    CUSTOMER = "customer"
    #: A confirmed address of the tenant.
    TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class SendEmail:
    """Send an e-mail; `address` names which confirmed address of the tenant."""

    to: MailTo
    subject: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    text: Text
    kind: Literal["send_email"] = "send_email"
    address: Annotated[str, StringConstraints(max_length=254)] = ""


Action: TypeAlias = Annotated[
    SendMessage
    | Delay
    | TagCustomer
    | UntagCustomer
    | RedirectConversation
    | TransferToHuman
    | ControlAiResponse
    | Webhook
    | SendEmail,
    Field(discriminator="kind"),
]


FIVE_SECONDS = Duration(5, Unit.SECONDS)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often an action that failed for now is tried, with doubling pauses."""

    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    pause: Duration = FIVE_SECONDS


USUAL_RETRY = Retry()
