"""Addresses of clients, as far as they can be believed."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import structlog
from starlette.requests import HTTPConnection

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

#: HAProxy of this runtime stands between every client and the replicas.
OWN_HOPS = ("127.0.0.0/8", "::1/128")
FORWARDED = "x-forwarded-for"
#: Headers by which proxies and tunnels show themselves, beside all `x-forwarded-*`.
#: `X-Forwarded-For` alone is also our HAProxy's.
PROXY_HEADERS = frozenset(
    {
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "x-original-host",
        "x-original-forwarded-for",
        "x-envoy-external-address",
        "true-client-ip",
        "cf-connecting-ip",
        "cf-ray",
        "cdn-loop",
    }
)

log = structlog.get_logger("addresses")


@dataclass(slots=True)
class ClientAddresses:
    """Reads who a client is from the peer and from `X-Forwarded-For`.

    Each proxy adds the address that it saw. What a proxy of ours has added is believed,
    and what stands before an address of anybody else could be written by anyone.
    """

    trusted: tuple[Network, ...]
    _has_warned: bool = False

    @classmethod
    def build(cls, trusted_proxies: Sequence[str] = ()) -> Self:
        """Build it from the settings; this machine is always trusted."""
        networks = (*OWN_HOPS, *trusted_proxies)
        return cls(tuple(ipaddress.ip_network(text) for text in networks))

    def read(self, connection: HTTPConnection) -> str | None:
        """Return the client's address, None if it is unknown; see `find`."""
        peer = connection.client.host if connection.client else None
        forwarded = connection.headers.getlist(FORWARDED)
        address = self.find(peer, forwarded)
        self._warn_once(address, forwarded)
        return address

    def find(self, peer: str | None, forwarded: Iterable[str]) -> str | None:
        """Return the client's address; None for this machine, or where none is told.

        Args:
            peer: the other end of the connection.
            forwarded: the values of `X-Forwarded-For`.

        The last hop that is no proxy of ours is the client. Of IPv6 the /64 counts.
        """
        client = self._find_client(peer, forwarded)
        if client is None or client.is_loopback:
            return None
        if client.version == 6:
            # One household owns a whole /64 and may use a new address a minute.
            return str(ipaddress.ip_network((client, 64), strict=False))
        return str(client)

    def _find_client(
        self, peer: str | None, forwarded: Iterable[str]
    ) -> Address | None:
        hops = [hop.strip() for value in forwarded for hop in value.split(",")]
        if peer is not None:
            hops.append(peer)
        client: Address | None = None
        for hop in reversed(hops):
            address = _parse(hop)
            if address is None:
                # A proxy of ours did not know who it was: nobody does.
                return client
            client = address
            if not any(address in network for network in self.trusted):
                break
        return client

    def _warn_once(self, address: str | None, forwarded: Sequence[str]) -> None:
        """Tell the operator of a proxy that the settings do not name."""
        if self._has_warned or address is None or not forwarded:
            return
        is_forwarded_on = len(forwarded) > 1 or "," in forwarded[0]
        if is_forwarded_on and ipaddress.ip_network(address).is_private:
            self._has_warned = True
            log.warning(
                "proxy_not_trusted",
                proxy=address,
                hint="all its clients count as one address to rate limits: if it is"
                " your proxy, name it in PILITO_TRUSTED_PROXIES",
            )


def is_this_machine(
    connection: HTTPConnection, own_addresses: Iterable[str] = ()
) -> bool:
    """Whether a client is on this machine and came through no other proxy.

    `own_addresses` are those that this machine listens at. Our HAProxy adds exactly one
    hop; any other before it is a proxy. A proxy that adds no header at all can't be
    told from a client.
    """
    if any(map(_is_of_proxy, connection.headers)):
        return False
    peer = connection.client.host if connection.client else ""
    forwarded = connection.headers.getlist(FORWARDED)
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    own = {*own_addresses}
    return len(hops) <= 1 and all(
        hop in own or ((address := _parse(hop)) is not None and address.is_loopback)
        for hop in (peer, *hops)
    )


def _is_of_proxy(header: str) -> bool:
    if header.startswith("x-forwarded-"):
        return header != FORWARDED
    return header in PROXY_HEADERS


def _parse(hop: str) -> Address | None:
    try:
        address = ipaddress.ip_address(hop)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if address.version == 6 else None
    return mapped or address
