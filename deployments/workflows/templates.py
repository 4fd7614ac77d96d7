"""Workflows to begin with: complete, in both languages, as a shop would say it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from actors.workflow import definition as d
from actors.workflow.definition import Connection, Definition, Duration, EdgeKind, Unit

WELCOME, PHONE, CLOSED, AFTER_SALE = (
    "welcome",
    "ask-phone-number",
    "out-of-hours",
    "after-sale",
)


@dataclass(frozen=True, slots=True)
class Template:
    """A workflow to begin with."""

    key: str
    name: str
    description: str
    definition: Definition


@dataclass(frozen=True, slots=True)
class Texts:
    """What the templates say in one language."""

    names: Mapping[str, str]
    descriptions: Mapping[str, str]
    greeting: str
    phone_prompt: str
    phone_reminder: str
    phone_thanks: str
    phone_without: str
    call_keywords: tuple[str, ...]
    skip_keywords: tuple[str, ...]
    exit_keywords: tuple[str, ...]
    closed: str
    sold_tag: str
    satisfied_prompt: str
    satisfied_choices: tuple[str, str, str]
    satisfied_thanks: str
    unsatisfied: str
    new_tag: str


_FA = Texts(
    names=MappingProxyType(
        {
            WELCOME: "خوش‌آمد به مشتری تازه",
            PHONE: "گرفتن شماره‌ی تماس",
            CLOSED: "پیام بیرون از ساعت کاری",
            AFTER_SALE: "پرسش پس از فروش",
        }
    ),
    descriptions=MappingProxyType(
        {
            WELCOME: "به کسی که نخستین بار پیام می‌دهد خوش‌آمد می‌گوید و برچسب می‌زند.",
            PHONE: "وقتی مشتری می‌خواهد با او تماس بگیرید، شماره‌اش را می‌پرسد و گفت‌وگو"
            " را به پشتیبانی می‌سپارد.",
            CLOSED: "بیرون از ساعت کاری می‌گوید که پاسخ کارشناس کی می‌رسد.",
            AFTER_SALE: "سه روز پس از برچسب خرید می‌پرسد که مشتری راضی بوده است یا نه.",
        }
    ),
    greeting="سلام {{customer.first_name|دوست عزیز}}، به {{tenant.name}} خوش آمدید!"
    " هر پرسشی دارید همین‌جا بنویسید.",
    phone_prompt="حتماً! لطفاً شماره‌ای را که با آن تماس بگیریم بنویسید.",
    phone_reminder="برای اینکه همکارم بتواند تماس بگیرد، فقط شماره‌ی شما را لازم دارم.",
    phone_thanks="ممنون. همکارم با شماره‌ی {{values.phone}} تماس می‌گیرد.",
    phone_without="اشکالی ندارد. همکارم همین‌جا به شما پاسخ می‌دهد.",
    call_keywords=("تماس بگیرید", "زنگ بزنید", "شماره تماس"),
    skip_keywords=("بدون تماس", "نمی‌خواهم"),
    exit_keywords=("انصراف", "بی‌خیال"),
    closed="پیام شما رسید. الان بیرون از ساعت کاری هستیم و همکارانم در اولین ساعت کاری"
    " پاسخ می‌دهند. تا آن وقت اگر پرسشی درباره‌ی کالاها دارید بنویسید.",
    sold_tag="خرید",
    satisfied_prompt="سلام {{customer.first_name|دوست عزیز}}، از خریدتان راضی بودید؟",
    satisfied_choices=("بله، عالی بود", "معمولی بود", "نه، مشکل داشت"),
    satisfied_thanks="خیلی خوشحالیم که راضی بودید. ممنون که وقت گذاشتید.",
    unsatisfied="متأسفیم که این‌طور شد. همکارم همین‌جا پیگیری می‌کند.",
    new_tag="مشتری تازه",
)
_EN = Texts(
    names=MappingProxyType(
        {
            WELCOME: "Welcome a new customer",
            PHONE: "Ask for a phone number",
            CLOSED: "Message out of hours",
            AFTER_SALE: "Question after a sale",
        }
    ),
    descriptions=MappingProxyType(
        {
            WELCOME: "Greets those who write for the first time, and tags them.",
            PHONE: "Asks customers who want a call for their number, and hands the"
            " conversation to support.",
            CLOSED: "Says out of hours when a colleague will answer.",
            AFTER_SALE: "Asks three days after the tag of a purchase how it was.",
        }
    ),
    greeting="Hello {{customer.first_name|there}}, welcome to {{tenant.name}}! Ask us"
    " anything right here.",
    phone_prompt="Of course! Which number may we call?",
    phone_reminder="We only need your number, so that a colleague can call you.",
    phone_thanks="Thank you. A colleague will call you at {{values.phone}}.",
    phone_without="No problem. A colleague will answer you here.",
    call_keywords=("call me", "phone number", "give me a call"),
    skip_keywords=("no call", "skip"),
    exit_keywords=("cancel", "never mind"),
    closed="We have got your message. We are closed now, and a colleague will answer as"
    " soon as we are back. Until then, ask us anything about our products.",
    sold_tag="purchase",
    satisfied_prompt="Hello {{customer.first_name|there}}, are you happy with your"
    " purchase?",
    satisfied_choices=("Yes, very", "It was fine", "No, there was a problem"),
    satisfied_thanks="We are glad to hear that. Thank you for your time.",
    unsatisfied="We are sorry about that. A colleague will look after it here.",
    new_tag="new customer",
)


def _connect(edges: str) -> tuple[Connection, ...]:
    """Read connections: `a>b`, and `a!failure>b` for other kinds than success."""
    found = []
    for edge in edges.split():
        source, target = edge.split(">")
        name, _, kind = source.partition("!")
        found.append(Connection(name, target, EdgeKind(kind or "success")))
    return tuple(found)


def _act(name: str, action: d.Action) -> d.ActionNode:
    return d.ActionNode(name, action)


def _welcome(texts: Texts) -> Definition:
    nodes = (
        d.When("new", d.NewCustomer()),
        _act("greet", d.SendMessage(texts.greeting)),
        _act("tag", d.TagCustomer(texts.new_tag)),
        # What the first words ask is the AI's to answer.
        _act("ai", d.RedirectConversation(d.RedirectTo.AI)),
    )
    return Definition(nodes, _connect("new>greet greet>tag tag>ai greet!failure>ai"))


def _phone(texts: Texts) -> Definition:
    ask = d.Waiting(
        "ask",
        texts.phone_prompt,
        "phone",
        d.AnswerKind.PHONE,
        time_limit=Duration(1, Unit.DAYS),
        reminder=d.Reminder(Duration(20, Unit.HOURS), texts.phone_reminder),
        skip_keywords=texts.skip_keywords,
        exit_keywords=texts.exit_keywords,
    )
    nodes = (
        d.When("wants-call", d.ReceiveMessage(keywords=texts.call_keywords)),
        ask,
        _act("thank", d.SendMessage(texts.phone_thanks)),
        _act("without", d.SendMessage(texts.phone_without)),
        _act("support", d.RedirectConversation(d.RedirectTo.SUPPORT)),
    )
    edges = (
        "wants-call>ask ask>thank ask!skip>without ask!failure>without"
        " ask!timeout>support thank>support without>support"
    )
    return Definition(nodes, _connect(edges))


def _closed(texts: Texts) -> Definition:
    statuses = (
        d.ConversationStatus.ACTIVE,
        d.ConversationStatus.SUPPORT_ACTIVE,
        d.ConversationStatus.MARKETING_ACTIVE,
    )
    nodes = (
        d.When("handed-over", d.StatusChanged(statuses[1:])),
        d.Condition("closed-now", (d.HoursClause(is_open=False),)),
        _act("tell", d.SendMessage(texts.closed)),
    )
    return Definition(nodes, _connect("handed-over>closed-now closed-now>tell"))


def _after_sale(texts: Texts) -> Definition:
    happy, fine, unhappy = texts.satisfied_choices
    is_unhappy = d.AttributeClause("satisfaction", d.Operator.EQUALS_TO, unhappy)
    nodes = (
        d.When("bought", d.AddTag((texts.sold_tag,))),
        _act("later", d.Delay(Duration(3, Unit.DAYS))),
        d.Waiting(
            "ask",
            texts.satisfied_prompt,
            "satisfaction",
            d.AnswerKind.CHOICE,
            choices=(happy, fine, unhappy),
            allowed_errors=1,
            time_limit=Duration(1, Unit.DAYS),
            exit_keywords=texts.exit_keywords,
        ),
        d.Condition("unhappy", (is_unhappy,)),
        _act("sorry", d.SendMessage(texts.unsatisfied)),
        _act("support", d.RedirectConversation(d.RedirectTo.SUPPORT)),
        _act("thank", d.SendMessage(texts.satisfied_thanks)),
        # Silence, or something else than a choice, is no answer to insist on.
        _act("leave", d.RedirectConversation(d.RedirectTo.AI)),
    )
    edges = (
        "bought>later later>ask ask>unhappy unhappy>sorry sorry>support"
        " unhappy!failure>thank ask!timeout>leave ask!failure>leave"
    )
    return Definition(nodes, _connect(edges))


def _build(texts: Texts) -> tuple[Template, ...]:
    definitions = {
        WELCOME: _welcome(texts),
        PHONE: _phone(texts),
        CLOSED: _closed(texts),
        AFTER_SALE: _after_sale(texts),
    }
    return tuple(
        Template(key, texts.names[key], texts.descriptions[key], definition)
        for key, definition in definitions.items()
    )


#: By language.
TEMPLATES: Mapping[str, tuple[Template, ...]] = MappingProxyType(
    {"fa": _build(_FA), "en": _build(_EN)}
)
