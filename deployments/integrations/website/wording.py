"""Texts of the chat window, in Persian and English."""

from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    """A language of the chat window."""

    FA = "fa"
    EN = "en"

    @property
    def direction(self) -> str:
        """Return the direction of writing, for the `dir` attribute."""
        return "rtl" if self is Language.FA else "ltr"


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of the page."""

    subtitle: str
    greeting: str
    log_label: str
    input_label: str
    placeholder: str
    suggested: str
    send: str
    sending: str
    failed: str
    retry: str
    typing: str
    offline: str
    gone: str
    you: str
    assistant: str
    operator: str
    refresh: str
    refused: str
    too_fast: str
    paused: str
    not_found: str
    not_found_hint: str


WORDINGS = {
    Language.FA: Wording(
        subtitle="پاسخ‌گویی آنلاین",
        greeting="سلام! سؤالتان را بنویسید؛ همین‌جا جواب می‌گیرید.",
        log_label="گفت‌وگو",
        input_label="پیام شما",
        placeholder="پیامتان را بنویسید…",
        suggested="پرسش‌های پیشنهادی",
        send="ارسال",
        sending="در حال ارسال…",
        failed="ارسال نشد.",
        retry="ارسال دوباره",
        typing="در حال نوشتن…",
        offline="ارتباط قطع شد؛ در حال اتصال دوباره…",
        gone="این گفت‌وگو در دسترس نیست.",
        you="شما",
        assistant="دستیار",
        operator="همکار ما",
        refresh="دیدن پاسخ‌های تازه",
        refused="پیام ارسال نشد. آن را کوتاه‌تر کنید یا کمی بعد دوباره بفرستید.",
        too_fast="پیام‌ها پشت سر هم رسیدند. کمی صبر کنید و دوباره بفرستید.",
        paused="فعلاً نمی‌توانیم پیام بگیریم. لطفاً کمی بعد دوباره سر بزنید.",
        not_found="این صفحهٔ گفت‌وگو پیدا نشد",
        not_found_hint="نشانی صفحه را بررسی کنید یا از فروشگاه بپرسید.",
    ),
    Language.EN: Wording(
        subtitle="Online support",
        greeting="Hello! Write your question and get the answer right here.",
        log_label="Conversation",
        input_label="Your message",
        placeholder="Write a message…",
        suggested="Suggested questions",
        send="Send",
        sending="Sending…",
        failed="Not sent.",
        retry="Send again",
        typing="Writing…",
        offline="Connection lost. Reconnecting…",
        gone="This chat is not available.",
        you="You",
        assistant="Assistant",
        operator="Support",
        refresh="Check for new answers",
        refused="Not sent. Make it shorter, or try again later.",
        too_fast="Too many messages at once. Wait a moment and send it again.",
        paused="This chat is paused and takes no messages. Please come back later.",
        not_found="This chat page does not exist",
        not_found_hint="Check the address, or ask the shop for it.",
    ),
}


def choose_language(accepted: str) -> Language:
    """Choose by `Accept-Language`: Persian, unless the browser prefers English.

    Source: RFC 9110, 12.5.4; equal weights keep the header's order.
    """
    best, best_weight = Language.FA, 0.0
    for part in accepted.split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.split("-")[0].strip().lower()
        weight = _weight(parameter)
        if language in set(Language) and weight > best_weight:
            best, best_weight = Language(language), weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
