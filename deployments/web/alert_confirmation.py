"""Page of the mailed link by which an address is confirmed for alerts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from deployments.http.assets import load_templates
from deployments.monitoring.confirmations import PATH
from deployments.web.dependencies import Context
from persistence import alert_routes

router = APIRouter()

PAGES = Path(__file__).parent / "pages"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    # The address of this page is the link's secret.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of the page."""

    direction: str
    title: str
    question: str
    button: str
    done: str
    gone: str


WORDINGS: Mapping[str, Wording] = {
    "en": Wording(
        direction="ltr",
        title="Alerts by mail",
        question="Shall alerts of {tenant} be mailed to your address?",
        button="Yes, mail me the alerts",
        done="Your address is confirmed. Alerts are mailed to it from now on.",
        gone="This link was used already, is more than three days old, or was replaced"
        " by a newer one.",
    ),
    "fa": Wording(
        direction="rtl",
        title="هشدار با ایمیل",
        question="هشدارهای {tenant} به نشانی شما فرستاده شود؟",
        button="بله، هشدارها را بفرستید",
        done="نشانی شما تأیید شد و از این پس هشدارها به آن فرستاده می‌شود.",
        gone="این پیوند استفاده شده، بیش از سه روز از آن گذشته"
        " یا پیوند تازه‌تری فرستاده شده است.",
    ),
}


@router.get(PATH, response_class=HTMLResponse, include_in_schema=False)
async def ask(request: Request, context: Context, token: str = "") -> HTMLResponse:
    """Show a button: programs that scan mails open links, so that confirms nothing."""
    found = await _find(context, token)
    if found is None:
        return _render_gone(request)
    wording = WORDINGS["fa" if found.language == "fa" else "en"]
    question = wording.question.format(tenant=found.tenant_name)
    return _render(wording, question, is_asking=True)


@router.post(PATH, response_class=HTMLResponse, include_in_schema=False)
async def confirm(request: Request, context: Context, token: str = "") -> HTMLResponse:
    """Confirm the address; the link works once."""
    found = await _find(context, token)
    if found is None or not await alert_routes.confirm_route(
        context.pool, token, context.clock.now()
    ):
        return _render_gone(request)
    wording = WORDINGS["fa" if found.language == "fa" else "en"]
    return _render(wording, wording.done)


async def _find(context: Context, token: str) -> alert_routes.OpenConfirmation | None:
    if not _TOKEN.fullmatch(token):
        return None
    return await alert_routes.fetch_confirmation(
        context.pool, token, context.clock.now()
    )


def _render_gone(request: Request) -> HTMLResponse:
    """Tell that the link is worthless, in the browser's language."""
    wanted = request.headers.get("accept-language", "").lower()
    wording = WORDINGS["fa" if wanted.startswith("fa") else "en"]
    return _render(wording, wording.gone, status=404)


def _render(
    wording: Wording, text: str, *, is_asking: bool = False, status: int = 200
) -> HTMLResponse:
    template = load_templates(PAGES).get_template("confirm_alerts.html")
    page = template.render(wording=wording, text=text, is_asking=is_asking)
    return HTMLResponse(page, status, HEADERS)
