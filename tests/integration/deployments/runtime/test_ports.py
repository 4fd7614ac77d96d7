"""Which ports are taken, with real sockets."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployments.runtime.errors import PortTakenError
from deployments.runtime.ports import BLOCK, check_free, find_block


@contextmanager
def listening(port: int = 0) -> Iterator[int]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        yield int(server.getsockname()[1])


def test_a_taken_port_is_one_line_that_names_port_and_setting() -> None:
    with listening() as port, pytest.raises(PortTakenError) as caught:
        check_free("127.0.0.1", port, setting="PILITO_HTTP_PORT")
    assert caught.value.exit_code == 2
    text = str(caught.value)
    assert str(port) in text
    assert "PILITO_HTTP_PORT" in text
    assert "\n" not in text


def test_a_port_with_lingering_connections_is_free() -> None:
    # A runtime was stopped a moment ago; its clients' connections are in TIME_WAIT.
    with listening() as port:
        client = socket.create_connection(("127.0.0.1", port))
    client.close()
    check_free("127.0.0.1", port, setting="PILITO_HTTP_PORT")


# The second is kept for documentation: nobody has it.
@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(PortTakenError, match=f"PILITO_HTTP_HOST: {host} is not"):
        check_free(host, 8000, setting="PILITO_HTTP_PORT")


def test_a_data_directory_keeps_its_ports_unless_somebody_has_one(
    tmp_path: Path,
) -> None:
    first = find_block(tmp_path)
    assert find_block(tmp_path) == first
    with listening(first.fallback_proxy):
        moved = find_block(tmp_path)
    assert abs(moved.base - first.base) >= BLOCK


def test_a_port_that_the_user_wants_is_in_no_block(tmp_path: Path) -> None:
    first = find_block(tmp_path)
    for wanted in (first.base, first.base + BLOCK - 1):
        assert find_block(tmp_path, (8000, wanted)) != first
    assert find_block(tmp_path, (first.base - 1, first.base + BLOCK)) == first


def test_no_two_uses_share_a_port(tmp_path: Path) -> None:
    ports = find_block(tmp_path)
    singles = [
        ports.haproxy_metrics,
        ports.haproxy_stats,
        ports.fallback_proxy,
        ports.dashboard_metrics,
        ports.autoscaler_metrics,
        ports.dashboard_agent,
    ]
    ranges = [
        *range(ports.replicas[0], ports.replicas[1] + 1),
        *range(ports.replicas_grpc[0], ports.replicas_grpc[1] + 1),
    ]
    assert sorted([*singles, *ranges]) == list(range(ports.base, ports.base + BLOCK))
