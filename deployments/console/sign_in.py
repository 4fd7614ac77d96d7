"""Signing in and out of the console, and the choice of the language."""

from urllib.parse import urlsplit

from fastapi import BackgroundTasks, Request
from starlette.responses import RedirectResponse, Response

from deployments.console import rendering, routing, session
from deployments.console.words.terms import Language
from deployments.http.errors import TooManyRequestsError
from deployments.web.api.errors import WrongPasswordError
from deployments.web.api.people import sign_in as api
from deployments.web.api.tokens import new_token_id
from deployments.web.dependencies import Context, WebDependencies
from persistence import sessions

router = routing.build_router()

HOME = "/console/"
_YEAR_S = 365 * 24 * 3600


@router.get(routing.SIGN_IN)
async def show_sign_in(
    request: Request,
    context: Context,
    next: str = HOME,
) -> Response:
    """Show the form."""
    locale = rendering.choose_locale(request, context.clock.now())
    values = {"problem": "", "username": "", "next": check_local(next)}
    return rendering.respond("sign_in.html", locale, values)


@router.post(routing.SIGN_IN)
async def sign_in(
    request: Request, context: Context, after: BackgroundTasks
) -> Response:
    """Sign in, and lead to where the person wanted to go."""
    session.check_origin(request.headers, context)
    fields = await session.read_fields(request)
    there = check_local(fields.get("next", HOME))
    username = fields.get("username", "")
    locale = rendering.choose_locale(request, context.clock.now())
    try:
        body = api.Credentials(username=username, password=fields.get("password", ""))
        user = await api.check_credentials(context, body, request, after)
    except (ValueError, WrongPasswordError):
        problem, status = locale.words.wrong_password, 401
    except TooManyRequestsError:
        problem, status = locale.words.too_many_attempts, 429
    else:
        token_id = new_token_id()
        claims = await api.begin_session(context, context.pool, user, token_id)
        response = RedirectResponse(there, routing.SEE_OTHER, background=after)
        session.set_cookie(
            response, context, claims, secure=is_secure(request, context)
        )
        return response
    values = {"problem": problem, "username": username, "next": there}
    return rendering.respond("sign_in.html", locale, values, status)


@router.post("/console/sign-out")
async def sign_out(form: session.SentForm) -> Response:
    """End the sign-in, with its windows."""
    principal = form.visit.principal
    if principal.session_id is not None:
        await sessions.delete_session(
            form.visit.context.pool, principal.session_id, principal.user_id
        )
    response = RedirectResponse(routing.SIGN_IN, routing.SEE_OTHER)
    response.delete_cookie(session.COOKIE, path=session.PATH)
    return response


@router.get("/console/language/{language}")
async def choose_language(
    request: Request,
    context: Context,
    language: Language,
    next: str = HOME,
) -> Response:
    """Remember the language in this browser."""
    response = RedirectResponse(check_local(next), routing.SEE_OTHER)
    response.set_cookie(
        rendering.LANGUAGE_COOKIE,
        language,
        max_age=_YEAR_S,
        path=session.PATH,
        httponly=True,
        samesite="lax",
        secure=is_secure(request, context),
    )
    return response


def check_local(there: str) -> str:
    """Return an address of the console, and the inbox for any other."""
    parts = urlsplit(there)
    is_ours = not parts.scheme and not parts.netloc and "\\" not in there
    return there if is_ours and parts.path.startswith("/console/") else HOME


def is_secure(request: Request, context: WebDependencies) -> bool:
    """Whether browsers reach the runtime by HTTPS alone."""
    public = context.settings.public_url or ""
    return public.startswith("https://") or request.url.scheme == "https"
