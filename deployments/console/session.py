"""The console's session: a signed cookie, and a token in each form against forgery."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response

from deployments.console.errors import ForgedFormError
from deployments.web.api import auth
from deployments.web.api.people.access import check_access
from deployments.web.api.tokens import LIFETIMES, Token, TokenType
from deployments.web.dependencies import Context, WebDependencies
from persistence.sessions import SessionClaims

COOKIE = "pilito_session"
PATH = "/console"
#: The field of each form, and the header of what scripts send.
FORM_FIELD = "csrf_token"
_MAX_FIELDS = 40


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of a person who is signed in; `csrf` belongs into each form."""

    principal: auth.Principal
    context: WebDependencies
    csrf: str

    def check_access(self, route: str) -> None:
        """Check that the person may call this route of the API.

        Raises RoleNeededError.
        """
        check_access(route, self.principal.rank, self.principal.scopes)


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form that one of our own pages has sent."""

    visit: Visit
    fields: dict[str, str]


async def require_visit(request: HTTPConnection, context: Context) -> Visit:
    """Return who is signed in. Raises NotSignedInError."""
    cookie = request.cookies.get(COOKIE, "")
    principal = await auth.authenticate_session(context, cookie, TokenType.SESSION)
    await auth.count_call(context, principal)
    csrf = derive_csrf(context.signer.read(cookie, TokenType.SESSION))
    return Visit(principal, context, csrf)


SignedIn = Annotated[Visit, Depends(require_visit)]


async def require_form(request: Request, visit: SignedIn) -> Form:
    """Return the fields of a form. Raises ForgedFormError: another site has sent it."""
    check_origin(request.headers, visit.context)
    fields = await read_fields(request)
    if not hmac.compare_digest(fields.pop(FORM_FIELD, ""), visit.csrf):
        raise ForgedFormError
    return Form(visit, fields)


SentForm = Annotated[Form, Depends(require_form)]


async def read_fields(request: Request) -> dict[str, str]:
    """Return the fields of a form, without NULs, which no text may hold."""
    form = await request.form(max_files=0, max_fields=_MAX_FIELDS)
    return {
        name: value.replace("\0", "")
        for name, value in form.items()
        if isinstance(value, str)
    }


def check_origin(headers: Headers, context: WebDependencies) -> None:
    """Check that a form or a socket comes from a page of ours.

    Browsers say where a form comes from; a program that says nothing has no cookie.
    A proxy may ask for us under another name than browsers know us by.

    Raises:
        ForgedFormError: another site has sent it.
    """
    origin = headers.get("origin")
    ours = {headers.get("host", ""), urlsplit(context.settings.public_url or "").netloc}
    is_ours = origin is None or urlsplit(origin).netloc in ours - {""}
    if not is_ours or headers.get("sec-fetch-site") == "cross-site":
        raise ForgedFormError


def derive_csrf(token: Token) -> str:
    """Derive the token of the forms of one sign-in, from what only its cookie says."""
    digest = hashlib.sha256(f"console forms:{token.token_id}".encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def set_cookie(
    response: Response, context: WebDependencies, claims: SessionClaims, *, secure: bool
) -> None:
    """Give the browser the cookie of a sign-in."""
    at = context.clock.now()
    response.set_cookie(
        COOKIE,
        context.signer.sign(claims, TokenType.SESSION, at),
        max_age=int(LIFETIMES[TokenType.SESSION].total_seconds()),
        path=PATH,
        httponly=True,
        samesite="lax",
        secure=secure,
    )
