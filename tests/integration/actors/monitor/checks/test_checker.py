"""Checks against real servers that answer, hang, reset, loop, stream and lie."""

import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from actors.monitor.checks.checker import HttpChecker, Target
from actors.monitor.checks.conditions import Comparison, Condition
from actors.monitor.checks.outcome import FailureKind
from actors.monitor.checks.ssrf_guard import EgressPolicy
from persistence.monitor import Method
from tests.support.servers.misbehaving_server import (
    Handler,
    MisbehavingServer,
    answer,
    drip,
    hang,
    lie_about_length,
    make_certificate,
    misbehaving_server,
    redirect,
    reset,
    stream_for_ever,
    talk_nonsense,
)


@pytest.fixture
async def http() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        yield server


@pytest.fixture
async def checker() -> AsyncIterator[HttpChecker]:
    checker = HttpChecker(EgressPolicy(), attempts=1)
    yield checker
    await checker.stop()


async def test_a_service_that_answers_passes(
    http: MisbehavingServer, checker: HttpChecker
) -> None:
    url = http.on("/health", answer(204, b""))
    outcome = await checker.check(Target(url))
    assert outcome.passed
    assert (outcome.status_code, outcome.attempts, outcome.error) == (204, 1, None)
    assert outcome.latency_ms is not None
    assert 0 < outcome.latency_ms < 5000
    # What stands inside, and what it says, is not told.
    assert outcome.metadata == {}
    assert not outcome.is_outside


async def test_headers_body_and_method_arrive(
    http: MisbehavingServer, checker: HttpChecker
) -> None:
    url = http.on("/ask", answer())
    target = Target(url, Method.POST, {"X-Key": "secret"}, '{"ping": 1}')
    assert (await checker.check(target)).passed
    (request,) = http.requests
    assert (request.method, request.body) == ("POST", b'{"ping": 1}')
    assert request.headers["x-key"] == "secret"
    assert (await checker.check(Target(url, Method.HEAD))).passed
    assert http.requests[-1].method == "HEAD"


@pytest.mark.parametrize(
    ("expected", "status", "passes"),
    [
        ((), 200, True),
        ((), 299, True),
        ((), 404, False),
        ((404,), 404, True),
        ((404,), 200, False),
        ((302,), 302, True),
    ],
)
async def test_the_expected_statuses_decide(
    http: MisbehavingServer,
    checker: HttpChecker,
    expected: tuple[int, ...],
    status: int,
    passes: bool,
) -> None:
    url = http.on("/", answer(status, location="/elsewhere"))
    outcome = await checker.check(Target(url, expected_status=frozenset(expected)))
    assert outcome.passed is passes
    assert outcome.status_code == status


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (hang, FailureKind.TIMEOUT),
        (drip, FailureKind.TIMEOUT),
        (reset, FailureKind.PROTOCOL),
        (lie_about_length, FailureKind.PROTOCOL),
        (talk_nonsense, FailureKind.PROTOCOL),
        (redirect("/bad"), FailureKind.REDIRECT),
        (redirect("gopher://127.0.0.1/"), FailureKind.REDIRECT),
        (redirect("http://169.254.169.254/latest/meta-data/"), FailureKind.FORBIDDEN),
        (redirect("http://[fe80::1]/"), FailureKind.FORBIDDEN),
        (redirect("http://[::ffff:169.254.169.254]/"), FailureKind.FORBIDDEN),
        (redirect("http://0.0.0.0/"), FailureKind.FORBIDDEN),
    ],
)
async def test_a_bad_server_fails_the_check_and_nothing_else(
    http: MisbehavingServer, checker: HttpChecker, handler: Handler, kind: FailureKind
) -> None:
    url = http.on("/bad", handler)
    # Nobody waits for those that answer.
    timeout_s = 0.5 if kind is FailureKind.TIMEOUT else 60.0
    outcome = await checker.check(Target(url, timeout_s=timeout_s))
    assert outcome.failure is kind, outcome
    assert outcome.error


async def test_an_endless_body_is_read_up_to_the_cap(
    http: MisbehavingServer, checker: HttpChecker
) -> None:
    url = http.on("/endless", stream_for_ever)
    assert (await checker.check(Target(url))).passed
    wanted = Condition(Comparison.CONTAINS, value="y")
    outcome = await checker.check(Target(url, conditions=(wanted,)))
    assert outcome.failure is FailureKind.TOO_LARGE


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://2852039166/",  # 169.254.169.254 as one number
        "http://0/",
    ],
)
async def test_forbidden_addresses_are_refused_in_every_spelling(
    checker: HttpChecker, address: str
) -> None:
    outcome = await checker.check(Target(address, timeout_s=60))
    assert outcome.failure is FailureKind.FORBIDDEN
    assert outcome.attempts == 1


async def test_private_addresses_and_our_own_ports_can_be_forbidden(
    http: MisbehavingServer,
) -> None:
    url = http.on("/", answer())
    for policy in (
        EgressPolicy(allow_private=False),
        EgressPolicy(own_ports=frozenset({http.port})),
    ):
        checker = HttpChecker(policy)
        outcome = await checker.check(Target(url))
        await checker.stop()
        assert outcome.failure is FailureKind.FORBIDDEN
    assert http.requests == []


async def test_a_redirect_is_followed_and_the_secrets_stay_with_their_host(
    http: MisbehavingServer, checker: HttpChecker
) -> None:
    async with misbehaving_server() as other:
        there = other.on("/there", answer())
        first = http.on("/first", redirect("/second"))
        http.on("/second", redirect(there, 307))
        target = Target(first, Method.POST, {"Authorization": "Bearer s"}, "secret")
        outcome = await checker.check(target)
    assert outcome.passed
    assert outcome.metadata["redirects"] == 2
    assert http.requests[1].headers["authorization"] == "Bearer s"
    (stranger,) = other.requests
    assert "authorization" not in stranger.headers
    assert (stranger.method, stranger.body) == ("GET", b"")


async def test_a_header_that_can_not_be_sent_is_not_repeated_in_the_error(
    http: MisbehavingServer, checker: HttpChecker
) -> None:
    """HTTP's own library would quote it: into results, logs and notices."""
    target = Target(http.on("/", answer()), headers={"Authorization": " s3cret "})
    outcome = await checker.check(target)
    assert outcome.failure is FailureKind.PROTOCOL
    assert "s3cret" not in str(outcome)
    assert http.requests == []


async def test_one_services_cookies_are_not_sent_to_another(
    http: MisbehavingServer, checker: HttpChecker
) -> None:
    url = http.on("/", answer(set_cookie="session=of-alice; Path=/"))
    await checker.check(Target(url))
    await checker.check(Target(url))
    assert "cookie" not in http.requests[1].headers


async def test_what_passes_on_a_later_attempt_passes_and_says_so(
    http: MisbehavingServer,
) -> None:
    handlers = [answer(503), reset, answer(200)]
    checker = HttpChecker(EgressPolicy())

    async def next_one(request: object, writer: object) -> None:
        await handlers.pop(0)(request, writer)  # type: ignore[arg-type]

    outcome = await checker.check(Target(http.on("/", next_one)))
    await checker.stop()
    assert outcome.passed
    assert outcome.attempts == 3


async def test_a_plain_no_is_not_asked_again(http: MisbehavingServer) -> None:
    checker = HttpChecker(EgressPolicy())
    outcome = await checker.check(Target(http.on("/", answer(404))))
    await checker.stop()
    assert (outcome.attempts, len(http.requests)) == (1, 1)


async def test_nobody_listening_is_a_failed_connection(checker: HttpChecker) -> None:
    outcome = await checker.check(Target("http://127.0.0.1:9/"))
    assert outcome.failure is FailureKind.CONNECT
    assert outcome.latency_ms is None


async def test_a_name_that_leads_nowhere_fails(checker: HttpChecker) -> None:
    outcome = await checker.check(Target("http://no-such-host.invalid/", timeout_s=5))
    assert outcome.failure in {
        FailureKind.DNS,
        FailureKind.OFFLINE,
        FailureKind.TIMEOUT,
    }


async def test_conditions_read_the_body(
    http: MisbehavingServer, checker: HttpChecker
) -> None:
    url = http.on("/", answer(200, b'{"parts": [{"state": "down"}]}'))
    good = Condition(Comparison.EQUALS, "$.parts[0].state", "down")
    assert (await checker.check(Target(url, conditions=(good,)))).passed
    bad = Condition(Comparison.NOT_EQUAL, "$.parts[0].state", "down")
    outcome = await checker.check(Target(url, conditions=(bad,)))
    assert outcome.failure is FailureKind.CONDITION
    assert outcome.error == '$.parts[0].state: expected not equal "down"'


async def test_a_certificate_says_when_it_runs_out(tmp_path: Path) -> None:
    server_context, chain = make_certificate(tmp_path, timedelta(days=5, hours=1))
    trust = ssl.create_default_context(cafile=chain)
    checker = HttpChecker(EgressPolicy(), ssl_context=trust)
    async with misbehaving_server(server_context) as http:
        outcome = await checker.check(Target(http.on("/", answer())))
    await checker.stop()
    assert outcome.passed
    assert outcome.tls_expires_at is not None


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_an_expired_or_unknown_certificate_fails(
    tmp_path: Path, is_trusted: bool
) -> None:
    ends_in = timedelta(days=-1 if is_trusted else 5)
    server_context, chain = make_certificate(tmp_path, ends_in)
    trust = ssl.create_default_context(cafile=chain if is_trusted else None)
    checker = HttpChecker(EgressPolicy(), ssl_context=trust)
    async with misbehaving_server(server_context) as http:
        outcome = await checker.check(Target(http.on("/", answer())))
    await checker.stop()
    assert outcome.failure is FailureKind.TLS
    assert "expired" in (outcome.error or "") or not is_trusted
    assert outcome.attempts == 1


async def test_conditions_that_cost_too_much_fail_the_check_and_say_so(
    http: MisbehavingServer, checker: HttpChecker
) -> None:
    rows = b"[" + b",".join([b"[" + b",".join([b"1"] * 511) + b"]"] * 1000) + b"]"
    wide = Condition(Comparison.NOT_EQUAL, "$..[*]", "absent")
    target = Target(http.on("/", answer(200, rows)), conditions=(wide,) * 20)
    outcome = await checker.check(target)
    assert outcome.failure is FailureKind.CONDITION
    assert outcome.error == "$..[*]: the conditions look at more than 100000 values"
    assert outcome.attempts == 1
