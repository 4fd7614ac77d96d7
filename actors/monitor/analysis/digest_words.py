"""Templates of digests in Persian and English, and their numbers and dates."""

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
    """A recommendation."""

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
    anomaly: str
    deviation: str
    recurring: str
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
    anomaly="Anomaly: {deviation}",
    deviation="{feature} was {value} from {begin} to {end} (usually {usual}), a"
    " deviation {ratio} times the usual maximum.",
    recurring="Recurring anomalies of this week, without an alert: {count}.",
    learning="There is too little data yet to detect anomalies; a day of checks is"
    " needed.",
    nothing="Nothing was unusual.",
    more="Most affected: {names}.",
    results="Results: {ids}",
    advice_heading="What to do: ",
    ms="{number} ms",
    percent="{number}%",
    features={
        Feature.JUMP: "the difference of one answer from the hours before",
        Feature.LEVEL: "the median latency of an hour",
        Feature.TIME_OF_DAY: "the latency against the same time of other days",
        Feature.SPREAD: "the spread of latencies",
        Feature.TREND: "the change of latency in six hours",
        Feature.ERRORS: "the share of failed checks in an hour",
    },
    advice={
        Advice.DOWN_NOW: "Check now whether the service is running, then its address,"
        " its certificate and the last deployment.",
        Advice.WAS_DOWN: "Read the service's log for the time of the outage; a problem"
        " that disappears by itself usually returns.",
        Advice.ERRORS: "Look at the errors of the failed checks: time-outs suggest"
        " load, status 5xx a fault of the program, 4xx a changed address or key.",
        Advice.SLOWER: "Look for what started at that time: a deployment, a heavy"
        " query, another busy program on the server; if it stays, add resources.",
        Advice.QUICKER: "Check that answers are still complete: an error page is quick,"
        " too.",
        Advice.UNSTEADY: "Compare quick and slow answers: a cold cache, an exhausted"
        " connection pool or one bad replica makes latencies uneven.",
        Advice.DRIFT: "Watch memory and disk: when latency grows by the hour, one of"
        " them is usually filling up.",
        Advice.ALL_TOGETHER: "When all services are affected at once, the cause is the"
        " network or server that they share, not one of them.",
    },
)
PERSIAN = Words(
    everything="همهٔ سرویس‌ها",
    heading="{name}، از {begin} تا {end} (UTC).",
    no_checks="در این بازه هیچ بررسی‌ای انجام نشد.",
    checks="{checks} بررسی، {failed} ناموفق: {uptime} موفق",
    before=" (هفتهٔ پیش: {uptime})",
    latency="نیمی از پاسخ‌ها در کمتر از {p50} و ۹۵٪ آن‌ها در کمتر از {p95} رسیدند",
    slower=" ({share} کندتر از هفتهٔ پیش: {p50})",
    quicker=" ({share} سریع‌تر از هفتهٔ پیش: {p50})",
    outage="از {begin} تا {end} در دسترس نبود: {checks} بررسی پیاپی ناموفق بود.",
    open_outage="از {begin} در دسترس نیست و تا پایان این بازه هم برنگشت: {checks} بررسی"
    " پیاپی ناموفق بود.",
    anomaly="رفتار غیرعادی: {deviation}",
    deviation="{feature} از {begin} تا {end} به {value} رسید (معمولاً {usual})؛ این"
    " انحراف {ratio} برابر بیشترین مقدار معمول است.",
    recurring="{count} رفتار غیرعادی تکراری هم بود که همین هفته پیش‌تر دیده شده بود؛"
    " برای آن هشداری فرستاده نشد.",
    learning="هنوز دادهٔ کافی برای تشخیص رفتار غیرعادی نداریم؛ دست‌کم یک روز بررسی لازم"
    " است.",
    nothing="مورد غیرعادی دیده نشد.",
    more="بیشترین مشکل: {names}.",
    results="شناسهٔ بررسی‌ها: {ids}",
    advice_heading="چه باید کرد: ",
    ms="{number} میلی‌ثانیه",
    percent="{number}٪",
    features={
        Feature.JUMP: "اختلاف یک پاسخ با ساعت‌های پیش از آن",
        Feature.LEVEL: "زمان پاسخ معمول در یک ساعت",
        Feature.TIME_OF_DAY: "اختلاف زمان پاسخ با همین ساعت در روزهای دیگر",
        Feature.SPREAD: "پراکندگی زمان پاسخ",
        Feature.TREND: "تغییر زمان پاسخ در شش ساعت",
        Feature.ERRORS: "سهم بررسی‌های ناموفق در یک ساعت",
    },
    advice={
        Advice.DOWN_NOW: "همین حالا ببینید سرویس در حال اجراست یا نه؛ سپس نشانی، گواهی"
        " امنیتی و آخرین تغییر منتشرشده را بررسی کنید.",
        Advice.WAS_DOWN: "گزارش (log) سرویس را در زمان قطعی بخوانید؛ مشکلی که خودبه‌خود"
        " برطرف شود معمولاً دوباره برمی‌گردد.",
        Advice.ERRORS: "خطای بررسی‌های ناموفق را ببینید: پایان مهلت پاسخ (timeout)"
        " معمولاً نشانهٔ بار زیاد است، وضعیت 5xx نشانهٔ خطای برنامه و 4xx نشانهٔ تغییر"
        " نشانی یا کلید.",
        Advice.SLOWER: "ببینید در آن زمان چه چیزی شروع شد: انتشار نسخهٔ تازه، یک"
        " پرس‌وجوی سنگین یا برنامهٔ پرکار دیگری روی همان سرور؛ اگر ادامه داشت، منابع"
        " بیشتری بگیرید.",
        Advice.QUICKER: "ببینید پاسخ‌ها هنوز کامل‌اند یا نه؛ صفحهٔ خطا هم سریع می‌رسد.",
        Advice.UNSTEADY: "پاسخ‌های سریع و کند را با هم مقایسه کنید: کش خالی، پر شدن"
        " ظرفیت اتصال‌ها یا خرابی یکی از سرورها زمان پاسخ را نامنظم می‌کند.",
        Advice.DRIFT: "حافظه و دیسک را زیر نظر بگیرید: وقتی پاسخ‌ها ساعت به ساعت کندتر"
        " می‌شوند، معمولاً یکی از این دو در حال پر شدن است.",
        Advice.ALL_TOGETHER: "وقتی همهٔ سرویس‌ها هم‌زمان مشکل دارند، علت شبکه یا سرور"
        " مشترک آن‌هاست، نه یکی از سرویس‌ها.",
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
    """Write a number in the language's digits, without trailing zeros."""
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
