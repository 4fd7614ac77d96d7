"""Guards outgoing connections against forbidden addresses (SSRF).

The guard sits where the socket is opened: it connects to the very address that it has
checked, so a name that resolves differently a moment later gains nothing.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpcore
import httpx

from actors.monitor.checks.outcome import FailureKind

#: A name that does not resolve holds a thread for seconds; others must not wait.
RESOLVER_THREADS = 32
#: A documentation address: no packet is sent, only a route is looked up.
NOWHERE = ("192.0.2.1", 9)

#: Metadata services of clouds, which hand out credentials; 169.254.169.254 is
#: link-local.
METADATA = tuple(
    ip_network(text)
    for text in (
        "fd00:ec2::254/128",  # AWS over IPv6
        "fd20:ce::254/128",  # Google over IPv6
        "100.100.100.200/32",  # Alibaba
        "168.63.129.16/32",  # Azure's wire server
        "192.0.0.192/32",  # Oracle
    )
)
#: IPv6 forms that carry an IPv4 address within: NAT64, and IPv4-compatible.
NAT64 = ip_network("64:ff9b::/96")
#: A network's own NAT64 (RFC 8215); the IPv4 address stands last.
LOCAL_NAT64 = ip_network("64:ff9b:1::/48")
COMPATIBLE = ip_network("::/96")
#: Carriers share it among customers; `ipaddress` does not call it private.
SHARED = ip_network("100.64.0.0/10")

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Which addresses checks may reach, beside those that are always forbidden."""

    allow_private: bool = True
    #: Loopback ports of the runtime itself, which are forbidden.
    own_ports: frozenset[int] = frozenset()


@dataclass(slots=True)
class Trace:
    """The addresses that one check resolved and connected to."""

    resolved: list[str] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)

    @property
    def is_outside(self) -> bool:
        """Whether an address outside our own networks accepted a connection."""
        return any(not is_inside(address) for address in self.connected)

    @property
    def is_network_suspect(self) -> bool:
        """True if our own network may be at fault: remote target, no connection."""
        is_here = bool(self.resolved) and all(map(is_loopback, self.resolved))
        return not self.connected and not is_here


#: Set by the task of each check, which also opens its connections.
TRACE: ContextVar[Trace | None] = ContextVar("trace", default=None)


class RefusedAddressError(Exception):
    """The address of a check is forbidden."""


class UnresolvedNameError(Exception):
    """The name of a service has no address."""


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a name, checks its addresses, and connects to one of them."""

    def __init__(self, policy: EgressPolicy) -> None:
        self._policy = policy
        self._inner = httpcore.AnyIOBackend()
        self._resolvers = ThreadPoolExecutor(RESOLVER_THREADS, "resolver")

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect; see httpcore.

        Raises:
            RefusedAddressError: one of the name's addresses is forbidden.
            UnresolvedNameError: it has none.
        """
        trace = TRACE.get() or Trace()
        addresses = await self._resolve(host, port)
        trace.resolved.extend(addresses)
        for address in addresses:
            self._refuse_forbidden(address, port)
        failure: Exception | None = None
        for address in addresses:
            try:
                stream = await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            trace.connected.append(address)
            return stream
        raise failure or UnresolvedNameError

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002 - httpcore's signature
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - the same
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - the same
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: a service is never a socket file of this machine."""
        raise RefusedAddressError

    async def sleep(self, seconds: float) -> None:
        """Wait; see httpcore."""
        await self._inner.sleep(seconds)

    def close(self) -> None:
        """End the resolver's threads."""
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    async def _resolve(self, host: str, port: int) -> list[str]:
        with suppress(ValueError):
            return [str(ip_address(host))]
        loop = asyncio.get_running_loop()
        try:
            entries = await loop.run_in_executor(
                self._resolvers,
                lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM),
            )
        except (OSError, UnicodeError) as error:
            raise UnresolvedNameError from error
        # Each once, in the system's order of preference.
        return list(dict.fromkeys(str(entry[4][0]) for entry in entries))

    def _refuse_forbidden(self, address: str, port: int) -> None:
        reason = why_refused(address, allow_private=self._policy.allow_private)
        if reason is None and port in self._policy.own_ports and is_loopback(address):
            reason = "this port belongs to the runtime itself"
        if reason is not None:
            raise RefusedAddressError(reason)


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx over guarded connections, each used once."""

    def __init__(self, policy: EgressPolicy, ssl_context: ssl.SSLContext) -> None:
        super().__init__(verify=ssl_context, trust_env=False)
        self._backend = GuardedBackend(policy)
        # httpx has no parameter for a backend. Connections are not kept: a check goes
        # through what a new customer of the service goes through.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=None,
            max_keepalive_connections=0,
            network_backend=self._backend,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await super().aclose()
        self._backend.close()


def why_refused(text: str, *, allow_private: bool) -> str | None:
    """Return why an address is forbidden; None if it is allowed."""
    address = _unwrap(ip_address(text.partition("%")[0]))
    if address.is_link_local or any(address in network for network in METADATA):
        return "link-local and metadata addresses are not checked"
    if address.is_unspecified or address.is_multicast or _is_broadcast(address):
        return "this address belongs to no service"
    if not allow_private and is_inside(text):
        return "this runtime does not check private addresses"
    return None


def is_inside(text: str) -> bool:
    """True if the address is of this machine or of a private network."""
    address = _unwrap(ip_address(text.partition("%")[0]))
    return not address.is_global or (
        isinstance(address, IPv4Address) and address in SHARED
    )


def is_loopback(text: str) -> bool:
    """True if the address is this machine's own."""
    return _unwrap(ip_address(text.partition("%")[0])).is_loopback


def _unwrap(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address embeds."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        is_wrapped = any(
            address in network for network in (NAT64, LOCAL_NAT64, COMPATIBLE)
        )
        if is_wrapped and not (address.is_loopback or address.is_unspecified):
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_broadcast(address: Address) -> bool:
    return address == IPv4Address("255.255.255.255")


def classify(error: Exception) -> tuple[FailureKind, str]:
    """Classify a transport error; the text contains no addresses or secrets."""
    match error:
        case RefusedAddressError():
            return FailureKind.FORBIDDEN, str(error) or "this address is forbidden"
        case UnresolvedNameError():
            return FailureKind.DNS, "the name can't be resolved"
        case TimeoutError() | httpx.TimeoutException():
            return FailureKind.TIMEOUT, "no complete answer in time"
        case httpx.ConnectError():
            return _classify_connect(error)
        case httpx.RemoteProtocolError():
            return FailureKind.PROTOCOL, f"an invalid answer: {error}"
        case httpx.NetworkError():
            return FailureKind.PROTOCOL, "the connection was cut"
        case httpx.LocalProtocolError():
            # The error's text repeats the invalid header, which may be a secret.
            return (
                FailureKind.PROTOCOL,
                "a header has characters that can't be sent",
            )
        case httpx.InvalidURL():
            return FailureKind.PROTOCOL, f"an invalid address: {error}"
        case _:
            return FailureKind.PROTOCOL, f"interrupted by {type(error).__name__}"


def has_route() -> bool:
    """True if this machine has a route to the outside; sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(NOWHERE)
        except OSError as error:
            return error.errno not in {errno.ENETUNREACH, errno.ENETDOWN}
    return True


def _classify_connect(error: Exception) -> tuple[FailureKind, str]:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return FailureKind.TLS, f"certificate: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return FailureKind.TLS, f"TLS: {cause.reason or 'handshake failed'}"
        if isinstance(cause, ConnectionRefusedError):
            return FailureKind.CONNECT, "the connection was refused"
        cause = cause.__cause__ or cause.__context__
    text = str(error)
    if "SSL" in text or "certificate" in text:
        return FailureKind.TLS, text
    return FailureKind.CONNECT, "no connection"
