"""Who a client is, by the hops that proxies note."""

import pytest
from starlette.requests import HTTPConnection

from deployments.http.addresses import ClientAddresses, is_this_machine

HAPROXY = "127.0.0.1"
BRIDGE = "172.17.0.1"


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("8.8.8.8", [], "8.8.8.8"),
        # Written by the visitor, who has a public address of their own.
        ("8.8.8.8", ["1.1.1.1"], "8.8.8.8"),
        (HAPROXY, ["1.1.1.1, 8.8.8.8"], "8.8.8.8"),
        (HAPROXY, ["1.1.1.1", "8.8.8.8"], "8.8.8.8"),
        # A private hop is no proxy of ours unless the settings say so.
        (HAPROXY, ["8.8.8.8, 10.0.0.1"], "10.0.0.1"),
        (BRIDGE, ["8.8.8.8, 172.17.0.1"], BRIDGE),
        (HAPROXY, [], None),
        (HAPROXY, ["127.0.0.1"], None),
        (HAPROXY, ["unknown"], None),
        (HAPROXY, ["8.8.8.8, unknown"], None),
        ("2a00:1450:4001:81b::200e", [], "2a00:1450:4001:81b::/64"),
        ("::ffff:8.8.8.8", [], "8.8.8.8"),
        (None, [], None),
    ],
)
def test_the_client_is_the_last_hop_that_is_not_ours(
    peer: str | None, forwarded: list[str], address: str | None
) -> None:
    assert ClientAddresses.build().find(peer, forwarded) == address


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (["8.8.8.8, 172.17.0.1"], "8.8.8.8"),
        (["1.1.1.1, 8.8.8.8, 172.17.0.1", "172.17.0.9"], "8.8.8.8"),
        # The first proxy is the client itself, as far as anybody knows.
        (["172.17.0.4"], "172.17.0.4"),
        (["1.1.1.1, 192.168.0.1, 172.17.0.1"], "192.168.0.1"),
    ],
)
def test_a_proxy_that_the_settings_name_is_believed(
    forwarded: list[str], address: str
) -> None:
    addresses = ClientAddresses.build(["172.17.0.0/16"])
    assert addresses.find(HAPROXY, forwarded) == address


@pytest.mark.parametrize(
    ("peer", "headers", "is_here"),
    [
        (HAPROXY, {}, True),
        (HAPROXY, {"x-forwarded-for": "127.0.0.1"}, True),
        (HAPROXY, {"x-forwarded-for": "::1"}, True),
        (HAPROXY, {"x-forwarded-for": "192.0.2.1"}, True),
        (HAPROXY, {"x-forwarded-for": "8.8.8.8"}, False),
        (HAPROXY, {"x-forwarded-for": "127.0.0.1, 127.0.0.1"}, False),
        (HAPROXY, {"x-forwarded-for": "8.8.8.8, 127.0.0.1"}, False),
        (HAPROXY, {"x-forwarded-for": "127.0.0.1", "x-real-ip": "8.8.8.8"}, False),
        (HAPROXY, {"x-forwarded-for": "127.0.0.1", "forwarded": "for=_x"}, False),
        (HAPROXY, {"x-forwarded-for": "127.0.0.1", "cf-ray": "1"}, False),
        (HAPROXY, {"x-forwarded-for": "127.0.0.1", "x-forwarded-port": "443"}, False),
        (HAPROXY, {"x-forwarded-for": ""}, False),
        (HAPROXY, {"x-forwarded-for": "unknown"}, False),
        ("10.0.0.1", {}, False),
        (None, {}, False),
    ],
)
def test_a_client_on_this_machine_came_through_no_other_proxy(
    peer: str | None, headers: dict[str, str], is_here: bool
) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    client = None if peer is None else (peer, 1234)
    connection = HTTPConnection({"type": "http", "client": client, "headers": raw})
    assert is_this_machine(connection, ["192.0.2.1"]) is is_here
