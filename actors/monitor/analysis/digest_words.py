"""The words of digests, in Persian and English, and how numbers are written there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from actors.monitor.analysis.features import Feature
from retrieval.text.normalise import DECIMAL_POINT, PERSIAN_DIGITS

#: Isolates keep a Latin name or a date in one piece inside Persian, and the other way
#: round: without them a name that ends in a digit would swap places with the number.
ISOLATE, LEFT_TO_RIGHT, ISOLATE_END = "\u2068", "\u2066", "\u2069"
_PERSIAN_DIGITS = str.maketrans("0123456789.", PERSIAN_DIGITS + DECIMAL_POINT)


class Language(StrEnum):
    """A tenant's language."""

    PERSIAN = "fa"
    ENGLISH = "en"


class Advice(StrEnum):
    """What to do about it."""

    DOWN_NOW = "down_now"
    WAS_DOWN = "was_down"
    ERRORS = "errors"
    SLOWER = "slower"
    QUICKER = "quicker"
    UNSTEADY = "unsteady"
    DRIFT = "drift"
    ALL_TOGETHER = "all_together"


@dataclass(frozen=True, slots=True)
class Words:
    """One language's templates."""

    everything: str
    heading: str
    no_checks: str
    checks: str
    before: str
    latency: str
    slower: str
    quicker: str
    outage: str
    open_outage: str
    odd: str
    habit: str
    learning: str
    nothing: str
    more: str
    results: str
    advice_heading: str
    ms: str
    percent: str
    features: Mapping[Feature, str]
    advice: Mapping[Advice, str]


ENGLISH = Words(
    everything="All services",
    heading="{name}, {begin} to {end} (UTC).",
    no_checks="There was no check in this time.",
    checks="{checks} checks, {failed} failed: {uptime} passed",
    before=" (a week before: {uptime})",
    latency="Half of the answers came within {p50}, 95% within {p95}",
    slower=" ({share} slower than a week before: {p50})",
    quicker=" ({share} quicker than a week before: {p50})",
    outage="Down from {begin} to {end}: {checks} checks in a row failed.",
    open_outage="Down since {begin}, and still at the end: {checks} checks in a row"
    " failed.",
    odd="Odd since {begin}, until {end}: {feature} was {value}, usually {usual};"
    " {ratio} times as far away as it ever goes.",
    habit="Seen before this week, so nobody was alarmed: {count} odd times.",
    learning="Too little is known yet to say what is unusual; a day of checks is"
    " needed.",
    nothing="Nothing was unusual.",
    more="Oddest: {names}.",
    results="Results: {ids}",
    advice_heading="What to do: ",
    ms="{number} ms",
    percent="{number}%",
    features={
        Feature.JUMP: "one answer's distance from the hours before",
        Feature.LEVEL: "the usual latency of an hour",
        Feature.TIME_OF_DAY: "the latency against this time of other days",
        Feature.SPREAD: "the spread of the answers",
        Feature.TREND: "the change of latency in six hours",
        Feature.ERRORS: "the share of failed checks in an hour",
    },
    advice={
        Advice.DOWN_NOW: "See now whether the service runs, then its address, its"
        " certificate and what was deployed last.",
        Advice.WAS_DOWN: "Read the service's log for the time in which it was down;"
        " something that comes back by itself comes again.",
        Advice.ERRORS: "Look at the errors of the failed checks: time-outs speak of"
        " load, status 5xx of the program, 4xx of a changed address or key.",
        Advice.SLOWER: "Look for what began at that time: a deployment, a heavy query,"
        " a busy neighbour; if it stays, ask for more resources.",
        Advice.QUICKER: "See whether it still answers in full: an error page is quick,"
        " too.",
        Advice.UNSTEADY: "Compare quick and slow answers: a cold cache, a full pool of"
        " connections or one bad replica makes answers uneven.",
        Advice.DRIFT: "Watch memory and disk: what gets slower by the hour mostly"
        " fills up.",
        Advice.ALL_TOGETHER: "All services at once speak for the network or the"
        " machine that they share, not for one of them.",
    },
)
PERSIAN = Words(
    everything="همهٔ سرویس‌ها",
    heading="{name}، از {begin} تا {end} (UTC).",
    no_checks="در این بازه هیچ بررسی‌ای انجام نشد.",
    checks="{checks} بررسی، {failed} ناموفق: {uptime} موفق",
    before=" (هفتهٔ پیش: {uptime})",
    latency="نیمی از پاسخ‌ها در {p50} و ۹۵٪ آن‌ها در {p95} رسیدند",
    slower=" ({share} کندتر از هفتهٔ پیش: {p50})",
    quicker=" ({share} سریع‌تر از هفتهٔ پیش: {p50})",
    outage="از {begin} تا {end} قطع بود: {checks} بررسی پشت سر هم ناموفق ماند.",
    open_outage="از {begin} قطع است و تا پایان بازه وصل نشد: {checks} بررسی پشت سر هم"
    " ناموفق ماند.",
    odd="از {begin} تا {end} غیرعادی بود: {feature} {value} بود و معمولاً {usual} است؛"
    " {ratio} برابرِ دورترین فاصلهٔ همیشگی.",
    habit="{count} بار رفتار غیرعادی که در این هفته پیش‌تر هم دیده شده بود؛ هشداری داده"
    " نشد.",
    learning="هنوز داده کافی نیست تا بگوییم چه چیزی غیرعادی است؛ یک روز بررسی"
    " لازم است.",
    nothing="چیز غیرعادی دیده نشد.",
    more="غیرعادی‌ترین‌ها: {names}.",
    results="نتیجه‌ها: {ids}",
    advice_heading="چه باید کرد: ",
    ms="{number} میلی‌ثانیه",
    percent="{number}٪",
    features={
        Feature.JUMP: "فاصلهٔ یک پاسخ از ساعت‌های پیش",
        Feature.LEVEL: "زمان پاسخ معمول یک ساعت",
        Feature.TIME_OF_DAY: "زمان پاسخ نسبت به همین ساعت در روزهای دیگر",
        Feature.SPREAD: "پراکندگی پاسخ‌ها",
        Feature.TREND: "تغییر زمان پاسخ در شش ساعت",
        Feature.ERRORS: "سهم بررسی‌های ناموفق در یک ساعت",
    },
    advice={
        Advice.DOWN_NOW: "همین حالا ببینید سرویس در حال اجراست یا نه؛ سپس نشانی،"
        " گواهی و آخرین تغییر منتشرشده را بررسی کنید.",
        Advice.WAS_DOWN: "گزارش (log) سرویس را در زمان قطعی بخوانید؛ مشکلی که خودبه‌خود"
        " رفع شود دوباره برمی‌گردد.",
        Advice.ERRORS: "خطای بررسی‌های ناموفق را ببینید: تمام‌شدن مهلت نشانهٔ بار"
        " زیاد است، وضعیت 5xx نشانهٔ خطای برنامه و 4xx نشانهٔ تغییر نشانی یا کلید.",
        Advice.SLOWER: "ببینید در آن زمان چه شروع شد: انتشار تازه، پرس‌وجوی سنگین یا"
        " همسایهٔ پرکار؛ اگر ادامه داشت منابع بیشتری بگیرید.",
        Advice.QUICKER: "ببینید پاسخ‌ها هنوز کامل‌اند یا نه: صفحهٔ خطا هم سریع می‌آید.",
        Advice.UNSTEADY: "پاسخ‌های تند و کند را مقایسه کنید: کش سرد، پر شدن اتصال‌ها"
        " یا یک نمونهٔ خراب پاسخ‌ها را ناهموار می‌کند.",
        Advice.DRIFT: "حافظه و دیسک را زیر نظر بگیرید: آنچه ساعت به ساعت کندتر می‌شود"
        " معمولاً دارد پر می‌شود.",
        Advice.ALL_TOGETHER: "کندی همهٔ سرویس‌ها با هم به شبکه یا ماشین مشترک"
        " برمی‌گردد، نه به یکی از آن‌ها.",
    },
)
WORDS: Mapping[Language, Words] = {
    Language.ENGLISH: ENGLISH,
    Language.PERSIAN: PERSIAN,
}


def find_language(code: str) -> Language:
    """Return the language of a tenant; Persian unless it says English."""
    return Language.ENGLISH if code.startswith("en") else Language.PERSIAN


def render_number(number: float, language: Language, decimals: int = 0) -> str:
    """Write a number in the language's digits; no decimals that say nothing."""
    text = f"{number:.{decimals}f}"
    if decimals:
        text = text.rstrip("0").rstrip(".")
    text = "0" if text == "-0" else text
    return text.translate(_PERSIAN_DIGITS) if language is Language.PERSIAN else text


def render_name(name: str, language: Language) -> str:
    """Keep a name of any script in one piece inside Persian text."""
    if language is Language.ENGLISH:
        return name
    return f"{ISOLATE}{name}{ISOLATE_END}"


def render_instant(at: datetime, language: Language) -> str:
    """Write an instant to the minute, in UTC."""
    text = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    if language is Language.ENGLISH:
        return text
    return f"{LEFT_TO_RIGHT}{text}{ISOLATE_END}"
