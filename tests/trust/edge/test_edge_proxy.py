"""H6 and L2: HAProxy has time-outs and limits, and its log shows no token."""

import asyncio
import contextlib
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from deployments.runtime.ray_workarounds.haproxy import ConnectionLimits
from tests.support.servers.haproxy import Haproxy
from tests.support.servers.http_server import serving

#: HAProxy takes these for strangers, and loopback is none of its own side.
EVERYBODY_COUNTS = {"HAPROXY_OWN_SIDE": "192.0.2.0/24"}


async def answer(request: Request) -> PlainTextResponse:
    """Answer after the seconds that are asked for."""
    await asyncio.sleep(float(request.query_params.get("wait", 0)))
    return PlainTextResponse("done")


def build_app() -> Starlette:
    return Starlette(routes=[Route("/{path:path}", answer)])


def test_trust_h6_haproxy_has_time_outs_and_limits(tmp_path: Path) -> None:
    text = Haproxy(tmp_path, limits=ConnectionLimits()).check()
    lines = [line.strip() for line in text.splitlines()]
    assert "timeout http-request 10s" in lines
    assert "timeout client 60s" in lines
    assert "timeout tunnel 1h" in lines
    assert "maxconn 20000" in lines
    assert "stick-table type ipv6 size 100k expire 1m store conn_cur" in lines
    assert "tcp-request connection reject if { sc0_conn_cur gt 1000 }" in lines


def test_trust_h6_proxies_are_not_counted_as_one_client(tmp_path: Path) -> None:
    limits = ConnectionLimits(30_000, 50, ("203.0.113.0/24",))
    text = Haproxy(tmp_path, limits=limits).check()
    (own_side,) = (line for line in text.splitlines() if "acl is_own_side" in line)
    assert {"127.0.0.0/8", "10.0.0.0/8", "203.0.113.0/24"} <= {*own_side.split()}
    assert "sc0_conn_cur gt 50" in text
    assert "maxconn 30000" in text


def test_trust_h6_a_limit_of_none_is_no_limit(tmp_path: Path) -> None:
    text = Haproxy(tmp_path, limits=ConnectionLimits(per_address=0)).check()
    assert "stick-table" not in text


async def test_trust_h6_headers_that_never_end_free_their_place(
    tmp_path: Path,
) -> None:
    proxy = Haproxy(tmp_path, changes={"HAPROXY_TIMEOUT_HTTP_REQUEST": "500ms"})
    with proxy.running():
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
        await writer.drain()
        said = await asyncio.wait_for(reader.read(), 30)
        writer.close()
    assert said.startswith(b"HTTP/1.1 408 ")


async def test_trust_h6_a_slow_answer_is_waited_for(tmp_path: Path) -> None:
    async with serving(build_app()) as address, httpx.AsyncClient(timeout=60) as client:
        proxy = Haproxy(
            tmp_path,
            replica=int(address.rpartition(":")[2]),
            changes={"RAY_SERVE_HAPROXY_TIMEOUT_CLIENT_S": "1"},
        )
        running = proxy.running()
        await asyncio.to_thread(running.__enter__)
        try:
            slow = await client.get(f"{proxy.url}/?wait=2.5")
        finally:
            running.__exit__(None, None, None)
    assert (slow.status_code, slow.text) == (200, "done")


def test_trust_h6_one_address_does_not_take_every_place(tmp_path: Path) -> None:
    proxy = Haproxy(tmp_path, limits=ConnectionLimits(500, 5), changes=EVERYBODY_COUNTS)
    with proxy.running(), contextlib.ExitStack() as stack:
        for _ in range(4):
            held = socket.create_connection(("127.0.0.1", proxy.port))
            stack.enter_context(held)
            held.sendall(b"GET /-/routes HTTP/1.1\r\nHost: x\r\n\r\n")
            assert held.recv(12) == b"HTTP/1.1 200"
        last = stack.enter_context(socket.create_connection(("127.0.0.1", proxy.port)))
        last.sendall(b"GET /-/routes HTTP/1.1\r\nHost: x\r\n\r\n")
        assert last.recv(12) == b"HTTP/1.1 200"
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{proxy.url}/-/routes")
        last.close()
        # The place of one who left is free for the next.
        assert httpx.get(f"{proxy.url}/-/routes").is_success


def test_trust_l2_no_query_reaches_the_log_of_haproxy(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as log:
        log.bind(("127.0.0.1", 0))
        log.settimeout(30)
        target = f"127.0.0.1:{log.getsockname()[1]}"
        proxy = Haproxy(tmp_path, changes={"RAY_SERVE_HAPROXY_LOG_TARGET": target})
        with proxy.running():
            httpx.get(f"{proxy.url}/ws/conversations/?token=SECRET-OF-A-USER")
            line = b""
            while b"/ws/conversations/" not in line:
                line = log.recv(8192)
                assert b"SECRET" not in line
                assert b"token" not in line


def test_trust_l2_haproxy_logs_to_nobody_unless_told(tmp_path: Path) -> None:
    text = Haproxy(tmp_path).check()
    assert ":514" not in text
    assert "option httplog" not in text


@pytest.mark.parametrize(("hard", "fit"), [(2800, 1000), (60_000, 20_000)])
def test_trust_h6_too_few_open_files_mean_fewer_connections(
    hard: int, fit: int
) -> None:
    code = (
        "import os, resource\n"
        "from deployments.runtime.open_files import fit_connections\n"
        f"hard = min({hard}, resource.getrlimit(resource.RLIMIT_NOFILE)[1])\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))\n"
        # Root could raise it again.
        "os.geteuid() or os.setuid(65534)\n"
        "print(fit_connections(20_000), *resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    connections, soft, now_hard = map(int, said.stdout.split())
    assert connections == min(fit, (now_hard - 800) // 2)
    assert soft >= 2 * connections + 800
