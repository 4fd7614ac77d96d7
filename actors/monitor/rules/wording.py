"""Writes alerts in Persian or English."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from actors.monitor.analysis.digest_words import Language, render_number
from actors.monitor.rules.decide import Notify, days_left
from persistence.monitor import AlertKind

_ENGLISH: Mapping[AlertKind, str] = {
    AlertKind.DOWN: "{name} is down: {reason}",
    AlertKind.REMINDER: "{name} has been down for {span}: {reason}",
    AlertKind.RECOVERED: "{name} is up again; it was down for {span}",
    AlertKind.FLAPPING: "{name} is flapping",
    AlertKind.CERTIFICATE: "The TLS certificate of {name} {expiry}",
    AlertKind.ANOMALY: "Anomaly in {name}: {reason}",
    # Of one service; `render_summary` writes those of many.
    AlertKind.SUMMARY: "More alerts of {name}",
}
_PERSIAN: Mapping[AlertKind, str] = {
    AlertKind.DOWN: "«{name}» از دسترس خارج شد: {reason}",
    AlertKind.REMINDER: "«{name}» از {span} پیش در دسترس نیست: {reason}",
    AlertKind.RECOVERED: "«{name}» دوباره در دسترس است؛ مدت قطعی: {span}",
    AlertKind.FLAPPING: "«{name}» مدام قطع و وصل می‌شود",
    AlertKind.CERTIFICATE: "گواهی امنیتی (TLS) «{name}» {expiry}؛ لطفاً تمدیدش کنید",
    AlertKind.ANOMALY: "رفتار غیرعادی در «{name}»: {reason}",
    AlertKind.SUMMARY: "هشدارهای دیگر «{name}»",
}
#: So many services stand in a summary, with so much of each alert.
SUMMARY_LINES = 10
SUMMARY_LINE_CHARS = 160
_UNITS: Mapping[str, tuple[str, str, str]] = {
    "en": ("d", "h", "min"),
    "fa": ("روز", "ساعت", "دقیقه"),
}


def render_alert(notify: Notify, service: str, language: str) -> str:
    """Write an alert in the tenant's language."""
    texts = _PERSIAN if language == "fa" else _ENGLISH
    return texts[notify.kind].format(
        name=service,
        reason=notify.reason,
        span=render_span(notify.down_for or timedelta(0), language),
        expiry=_render_expiry(notify, language),
    )


def render_summary(
    alerts: int, texts: Sequence[str], limit_per_hour: int, language: str
) -> str:
    """Write a summary of the alerts above a route's limit.

    Args:
        alerts: how many there are.
        texts: the latest alert of each service, the newest first.
        limit_per_hour: the limit.
        language: the tenant's.
    """
    count, limit, more = (
        _digits(number, language)
        for number in (alerts, limit_per_hour, len(texts) - SUMMARY_LINES)
    )
    is_long = len(texts) > SUMMARY_LINES
    if language == "fa":
        head = f"{count} هشدار دیگر جداگانه فرستاده نشد (حداکثر {limit} در ساعت):"
        tail = [f"… و {more} سرویس دیگر"] if is_long else []
    else:
        head = (
            f"{count} more alerts were not sent one by one (at most {limit} an hour):"
        )
        tail = [f"… and {more} more services"] if is_long else []
    lines = [f"- {text[:SUMMARY_LINE_CHARS]}" for text in texts[:SUMMARY_LINES]]
    return "\n".join([head, *lines, *tail])


def _render_expiry(notify: Notify, language: str) -> str:
    """Write when a certificate expires; nothing where the alert has no date."""
    if notify.tls_expires_at is None:
        return ""
    days = days_left(notify.tls_expires_at, notify.at)
    if language == "fa":
        if days < 0:
            return "منقضی شده است"
        due = f"تا {_digits(days, language)} روز دیگر" if days else "امروز"
        return f"{due} منقضی می‌شود"
    if days < 0:
        return "has expired"
    if days == 0:
        return "expires today"
    return f"expires in {days} day{'s' * (days > 1)}"


def render_span(span: timedelta, language: str) -> str:
    """Write a duration by its two largest units; less than a minute is one."""
    names = _UNITS["fa" if language == "fa" else "en"]
    minutes = max(int(span.total_seconds()) // 60, 1)
    sizes = (minutes // 1440, minutes // 60 % 24, minutes % 60)
    parts = [
        f"{_digits(n, language)} {name}"
        for n, name in zip(sizes, names, strict=True)
        if n
    ]
    return (" و " if language == "fa" else " ").join(parts[:2])


def _digits(number: int, language: str) -> str:
    """Write a number in the language's digits."""
    is_persian = language == "fa"
    return render_number(number, Language.PERSIAN if is_persian else Language.ENGLISH)
