"""Renders the pages: templates, their filters, and the headers of each answer."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment
from markupsafe import Markup, escape
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse

from deployments.console.assets import Assets, load_assets
from deployments.console.dates import Dates
from deployments.console.words import WORDS
from deployments.console.words.terms import Language, Words
from deployments.http.assets import load_templates

TEMPLATES = Path(__file__).parent / "templates"
LANGUAGE_COOKIE = "pilito_language"
#: A shop that has set no business hours is taken to be where most are.
ZONE = ZoneInfo("Asia/Tehran")
#: Characters that turn the direction of writing, as U+202E does: shown, not obeyed.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ANCHOR = Markup(
    '<bdi dir="ltr"><a href="{0}" rel="noreferrer" target="_blank">{1}</a></bdi>'
)
_LINK = re.compile(r"https?://[^\s<>\"'«»]+", re.IGNORECASE)
#: What ends a sentence and not a link.
_LINK_END = ".,;:!?)]}،؛؟"


@dataclass(frozen=True, slots=True)
class Locale:
    """The language of an answer, with its words and dates."""

    language: Language
    words: Words
    dates: Dates


def choose_locale(connection: HTTPConnection, now: datetime) -> Locale:
    """Return the language that the person has chosen, or that of the browser."""
    chosen = connection.cookies.get(LANGUAGE_COOKIE, "")
    if chosen not in set(Language):
        # Persian unless the browser asks for nothing but other languages.
        wanted = connection.headers.get("accept-language", "fa").lower()
        chosen = Language.FA if not wanted or "fa" in wanted else Language.EN
    language = Language(chosen)
    words = WORDS[language]
    return Locale(language, words, Dates(words, language, ZONE, now))


@cache
def assets() -> Assets:
    """Return the scripts, styles and fonts, loaded once."""
    return load_assets()


@cache
def _environment() -> Environment:
    environment = load_templates(TEMPLATES)
    environment.filters["lines"] = render_lines
    environment.filters["plain"] = show_controls
    environment.filters["spell"] = spell
    environment.globals["assets"] = assets()
    return environment


def render(template: str, locale: Locale, values: Mapping[str, Any]) -> str:
    """Render a template with a language's words."""
    return (
        _environment()
        .get_template(template)
        .render(
            w=locale.words,
            dates=locale.dates,
            now=locale.dates.now,
            language=locale.language,
            direction=locale.language.direction,
            **values,
        )
    )


def respond(
    template: str, locale: Locale, values: Mapping[str, Any], status: int = 200
) -> HTMLResponse:
    """Answer with a page."""
    # Turbo gives it to the one style that it adds itself.
    nonce = secrets.token_urlsafe(16)
    html = render(template, locale, {**values, "nonce": nonce})
    return HTMLResponse(html, status, build_headers(nonce))


def build_headers(nonce: str) -> dict[str, str]:
    """Build the headers of a page: nothing runs or loads but what is ours."""
    known = assets()
    scripts = f"'self' '{known.import_map_hash}'" if known.import_map else "'none'"
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; script-src {scripts}; "
            f"style-src 'self' 'nonce-{nonce}'; font-src 'self'; "
            "img-src 'self' data:; connect-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }


def spell(value: object) -> str:
    """Write a value of JSON for people: lists with commas, members by their names."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {spell(one)}" for name, one in value.items())
    if isinstance(value, list):
        return "; ".join(map(spell, value))
    return str(value)


def show_controls(text: str) -> Markup:
    """Show the characters that turn the direction of writing as their code points."""
    parts: list[Markup | str] = []
    end = 0
    for found in _BIDI.finditer(text):
        code = f"U+{ord(found.group()):04X}"
        parts.append(escape(text[end : found.start()]))
        parts.append(Markup('<span class="control">{}</span>').format(code))
        end = found.end()
    parts.append(escape(text[end:]))
    return Markup("").join(parts)


def render_lines(text: str) -> Markup:
    """Render a person's text: a line each with its own direction, links as links."""
    lines = [
        Markup('<span class="line" dir="auto">{}</span>').format(_render_links(line))
        for line in text.splitlines() or [""]
    ]
    return Markup("").join(lines)


def _render_links(line: str) -> Markup:
    parts: list[Markup] = []
    end = 0
    for found in _LINK.finditer(line):
        url = found.group().rstrip(_LINK_END)
        parts.append(show_controls(line[end : found.start()]))
        parts.append(_ANCHOR.format(url, show_controls(url)))
        end = found.start() + len(url)
    parts.append(show_controls(line[end:]))
    return Markup("").join(parts)
