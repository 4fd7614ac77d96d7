"""Writes alerts in Persian or English."""

from collections.abc import Mapping
from datetime import timedelta

from actors.monitor.analysis.digest_words import Language, render_number
from actors.monitor.rules.decide import days_left
from actors.monitor.rules.effects import Notify
from persistence.monitor import AlertKind

_ENGLISH: Mapping[AlertKind, str] = {
    AlertKind.DOWN: "{name} is down: {reason}",
    AlertKind.REMINDER: "{name} has been down for {span}: {reason}",
    AlertKind.RECOVERED: "{name} is up again; it was down for {span}",
    AlertKind.FLAPPING: "{name} is flapping",
    AlertKind.CERTIFICATE: "The TLS certificate of {name} {expiry}",
    AlertKind.ANOMALY: "Anomaly in {name}: {reason}",
}
_PERSIAN: Mapping[AlertKind, str] = {
    AlertKind.DOWN: "«{name}» از دسترس خارج شد: {reason}",
    AlertKind.REMINDER: "«{name}» از {span} پیش در دسترس نیست: {reason}",
    AlertKind.RECOVERED: "«{name}» دوباره در دسترس است؛ مدت قطعی: {span}",
    AlertKind.FLAPPING: "«{name}» مدام قطع و وصل می‌شود",
    AlertKind.CERTIFICATE: "گواهی امنیتی (TLS) «{name}» {expiry}؛ لطفاً تمدیدش کنید",
    AlertKind.ANOMALY: "رفتار غیرعادی در «{name}»: {reason}",
}
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
