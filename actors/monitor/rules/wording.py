"""What a notice says, in Persian or English."""

from collections.abc import Mapping
from datetime import timedelta

from actors.monitor.analysis.digest_words import Language, render_number
from actors.monitor.rules.certificates import days_left
from actors.monitor.rules.effects import Tell
from persistence.monitor import AlertKind

_ENGLISH: Mapping[AlertKind, str] = {
    AlertKind.DOWN: "{name} is down: {reason}",
    AlertKind.REMINDER: "{name} has been down for {span}: {reason}",
    AlertKind.RECOVERED: "{name} is back; it was down for {span}",
    AlertKind.FLAPPING: "{name} goes to and fro between working and failing",
    AlertKind.CERTIFICATE: "The certificate of {name} runs out in {days} days",
    AlertKind.ANOMALY: "{name} behaves oddly: {reason}",
}
_PERSIAN: Mapping[AlertKind, str] = {
    AlertKind.DOWN: "{name} از دسترس خارج شد: {reason}",
    AlertKind.REMINDER: "{name} از {span} پیش در دسترس نیست: {reason}",
    AlertKind.RECOVERED: "{name} دوباره در دسترس است؛ مدت قطعی: {span}",
    AlertKind.FLAPPING: "{name} پیاپی قطع و وصل می‌شود",
    AlertKind.CERTIFICATE: "گواهی {name} تا {days} روز دیگر منقضی می‌شود",
    AlertKind.ANOMALY: "رفتار {name} غیرعادی است: {reason}",
}
_UNITS: Mapping[str, tuple[str, str, str]] = {
    "en": ("d", "h", "min"),
    "fa": ("روز", "ساعت", "دقیقه"),
}


def render_notice(told: Tell, service: str, language: str) -> str:
    """Word a notice in the tenant's language."""
    texts = _PERSIAN if language == "fa" else _ENGLISH
    expires_at = told.tls_expires_at
    return texts[told.kind].format(
        name=service,
        reason=told.reason,
        span=render_span(told.down_for or timedelta(0), language),
        days=_write(
            0 if expires_at is None else max(days_left(expires_at, told.at), 0),
            language,
        ),
    )


def render_span(span: timedelta, language: str) -> str:
    """Word a duration by its two largest units; less than a minute is one."""
    names = _UNITS["fa" if language == "fa" else "en"]
    minutes = max(int(span.total_seconds()) // 60, 1)
    sizes = (minutes // 1440, minutes // 60 % 24, minutes % 60)
    parts = [
        f"{_write(n, language)} {name}"
        for n, name in zip(sizes, names, strict=True)
        if n
    ]
    return (" و " if language == "fa" else " ").join(parts[:2])


def _write(number: int, language: str) -> str:
    """Write a number in the language's digits."""
    is_persian = language == "fa"
    return render_number(number, Language.PERSIAN if is_persian else Language.ENGLISH)
