"""A workflow as tenants write it: nodes, connections and limits.

These types are the JSON of the API, of exports and of the published schema.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from persistence.ids import WorkflowId

MAX_NODES = 100
MAX_CONNECTIONS = 300
MAX_TEXT_CHARS = 4000

NodeId = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", min_length=1, max_length=64)
]
Title = Annotated[str, StringConstraints(max_length=200)]
Word = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)
]
Tag = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT_CHARS)]
Words = Annotated[tuple[Word, ...], Field(max_length=50)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=50)]
#: The name of a customer's attribute, or of a value of the run.
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


class EdgeKind(StrEnum):
    """When a connection is followed."""

    SUCCESS = "success"
    FAILURE = "failure"
    TIMEOUT = "timeout"
    SKIP = "skip"


class Platform(StrEnum):
    """The platforms that conversations run on."""

    INSTAGRAM = "instagram"
    TELEGRAM = "telegram"
    WEBSITE = "website"


class ConversationStatus(StrEnum):
    """The statuses of a conversation."""

    ACTIVE = "active"
    SUPPORT_ACTIVE = "support_active"
    MARKETING_ACTIVE = "marketing_active"
    CLOSED = "closed"


class RedirectTo(StrEnum):
    """The destinations of a redirect."""

    AI = "ai"
    SUPPORT = "support"
    SALES = "sales"
    TECHNICAL = "technical"
    BILLING = "billing"
    GENERAL = "general"


Platforms = Annotated[tuple[Platform, ...], Field(max_length=3)]


class Unit(StrEnum):
    """The units of a duration."""

    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"


@dataclass(frozen=True, slots=True)
class Duration:
    """A duration as people write it; at most a year."""

    amount: Annotated[int, Field(ge=1, le=31_536_000)]
    unit: Unit

    @property
    def length(self) -> timedelta:
        """The duration as a number of seconds."""
        return timedelta(**{self.unit.value: self.amount})


# --- Triggers ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReceiveMessage:
    """A customer wrote. Without keywords every message fits; the rest narrows it."""

    kind: Literal["receive_message"] = "receive_message"
    #: One of them must stand in the message as whole words, in any Persian spelling.
    keywords: Words = ()
    channels: Platforms = ()
    #: The customer has one of them.
    tags: Tags = ()


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """Somebody wrote for the first time."""

    kind: Literal["new_customer"] = "new_customer"
    channels: Platforms = ()


@dataclass(frozen=True, slots=True)
class AddTag:
    """A customer got one of these tags; any, if none is named."""

    kind: Literal["add_tag"] = "add_tag"
    tags: Tags = ()


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The conversation came to one of these statuses; any, if none is named."""

    kind: Literal["status_changed"] = "status_changed"
    statuses: Annotated[tuple[ConversationStatus, ...], Field(max_length=4)] = ()


class Frequency(StrEnum):
    """How often a schedule fires."""

    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A date and time of the tenant's clock, and again by the frequency.

    It is for customers who wrote within `written_within_days`, narrowed by channels
    and tags.
    """

    start: date
    #: Local time, `HH:MM`.
    time: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    frequency: Frequency = Frequency.ONCE
    kind: Literal["scheduled"] = "scheduled"
    channels: Platforms = ()
    tags: Tags = ()
    written_within_days: Annotated[int, Field(ge=1, le=365)] = 30


@dataclass(frozen=True, slots=True)
class Manual:
    """Somebody, or a program, starts it by the API."""

    kind: Literal["manual"] = "manual"


Trigger: TypeAlias = Annotated[
    ReceiveMessage | NewCustomer | AddTag | StatusChanged | Scheduled | Manual,
    Field(discriminator="kind"),
]


class TriggerKind(StrEnum):
    """The kinds of triggers, as their definitions name them."""

    RECEIVE_MESSAGE = "receive_message"
    NEW_CUSTOMER = "new_customer"
    ADD_TAG = "add_tag"
    STATUS_CHANGED = "status_changed"
    SCHEDULED = "scheduled"
    MANUAL = "manual"


# --- Conditions --------------------------------------------------------------------


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


# --- Actions -----------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class Retry:
    """How often an action that failed for now is tried, with doubling pauses."""

    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    pause: Duration = Duration(5, Unit.SECONDS)


# --- Nodes -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class When:
    """A trigger: where a run begins."""

    id: NodeId
    trigger: Trigger
    title: Title = ""
    type: Literal["when"] = "when"


@dataclass(frozen=True, slots=True)
class Condition:
    """A fork: `success` if the clauses hold together, else `failure`."""

    id: NodeId
    clauses: Annotated[tuple[Clause, ...], Field(min_length=1, max_length=20)]
    operator: Literal["and", "or"] = "and"
    title: Title = ""
    type: Literal["condition"] = "condition"


@dataclass(frozen=True, slots=True)
class ActionNode:
    """Something that is done."""

    id: NodeId
    action: Action
    retry: Retry = Retry()
    title: Title = ""
    type: Literal["action"] = "action"


class AnswerKind(StrEnum):
    """What a waiting node takes for an answer."""

    TEXT = "text"
    NUMBER = "number"
    EMAIL = "email"
    PHONE = "phone"
    DATE = "date"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Reminder:
    """Words that are sent once, so long before the time limit."""

    before: Duration
    text: Text


@dataclass(frozen=True, slots=True)
class Waiting:
    """A question to the customer, and the wait for its answer.

    Edges: `success` with a fitting answer, `failure` after too many others, `timeout`
    at the time limit, `skip` at a skip keyword (`success` where there is no such edge).
    An exit keyword ends the run.
    """

    id: NodeId
    prompt: Text
    #: The answer is stored as this attribute of the customer, and value of the run.
    attribute: Key
    answer: AnswerKind = AnswerKind.TEXT
    choices: Words = ()
    #: Sent with the question after an answer that does not fit; empty for a usual text.
    error_text: Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)] = ""
    allowed_errors: Annotated[int, Field(ge=0, le=20)] = 2
    time_limit: Duration = Duration(1, Unit.DAYS)
    reminder: Reminder | None = None
    skip_keywords: Words = ()
    exit_keywords: Words = ()
    title: Title = ""
    type: Literal["waiting"] = "waiting"


Node: TypeAlias = Annotated[
    When | Condition | ActionNode | Waiting, Field(discriminator="type")
]


@dataclass(frozen=True, slots=True)
class Connection:
    """An edge from one node to another."""

    source: NodeId
    target: NodeId
    type: EdgeKind = EdgeKind.SUCCESS


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a workflow may run; None for as often as the tenant's quota lets it."""

    max_runs_per_customer: Annotated[int, Field(ge=1, le=1000)] | None = None
    #: At once, over all customers.
    max_running: Annotated[int, Field(ge=1, le=100_000)] | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """What a run goes through; a new version is made with each change."""

    nodes: Annotated[tuple[Node, ...], Field(max_length=MAX_NODES)] = ()
    connections: Annotated[
        tuple[Connection, ...], Field(max_length=MAX_CONNECTIONS)
    ] = ()
    limits: Limits = Limits()


# --- Business hours ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenHours:
    """From and until, local time `HH:MM`; 24:00 is the day's end."""

    opens: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    closes: Annotated[
        str, StringConstraints(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")
    ]


@dataclass(frozen=True, slots=True)
class ExceptionDay:
    """A date with other hours; none of them is a holiday."""

    day: date
    hours: Annotated[tuple[OpenHours, ...], Field(max_length=10)] = ()


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """A tenant's clock and hours; without any week the business is always open.

    `week` has seven entries, Monday first.
    """

    time_zone: Annotated[str, StringConstraints(max_length=64)] = "Asia/Tehran"
    week: Annotated[tuple[tuple[OpenHours, ...], ...], Field(max_length=7)] = ()
    exceptions: Annotated[tuple[ExceptionDay, ...], Field(max_length=200)] = ()


@dataclass(frozen=True, slots=True)
class VersionRef:
    """A version of a workflow, which never changes."""

    workflow_id: WorkflowId
    version: int


@dataclass(frozen=True, slots=True)
class Graph:
    """A definition with its nodes and edges by id, made once a version."""

    definition: Definition
    nodes: dict[str, When | Condition | ActionNode | Waiting]
    targets: dict[tuple[str, EdgeKind], tuple[str, ...]]

    def follow(self, node: str, edge: EdgeKind) -> tuple[str, ...]:
        """Return the nodes behind the edges of a kind; several are branches."""
        return self.targets.get((node, edge), ())


def build_graph(definition: Definition) -> Graph:
    """Build the graph of a definition; connections keep their order."""
    targets: dict[tuple[str, EdgeKind], tuple[str, ...]] = {}
    for edge in definition.connections:
        key = edge.source, edge.type
        targets[key] = (*targets.get(key, ()), edge.target)
    return Graph(definition, {node.id: node for node in definition.nodes}, targets)
