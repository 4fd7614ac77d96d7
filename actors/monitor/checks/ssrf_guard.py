"""Guards outgoing connections against forbidden addresses (SSRF).

The guard sits where the socket is opened: it connects to the very address that it has
checked, so a name that resolves differently a moment later gains nothing. All that a
tenant may name goes through it: checks, alert webhooks, and whatever else asks an
address of the tenant's choice (`open_guarded_client`).
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address

import httpcore
import httpx

from actors.monitor.checks.addresses import find_embedded as find_embedded
from actors.monitor.checks.addresses import is_inside as is_inside
from actors.monitor.checks.addresses import is_loopback as is_loopback
from actors.monitor.checks.addresses import is_own_machine, read_literal, split_origin
from actors.monitor.checks.addresses import why_refused as why_refused
from actors.monitor.checks.outcome import FailureKind

#: A name that does not resolve holds a thread for seconds; others must not wait.
RESOLVER_THREADS = 32
#: Documentation addresses: no packet is sent, only a route is looked up.
NOWHERE = ("192.0.2.1", "2001:db8::1")
OWN_PORT = "this address belongs to the runtime itself"
#: The same for each reason: what a name resolves to inside is nobody's business.
NAME_REFUSED = "the name leads to an address that is not checked"


async def _is_allowed() -> bool:
    return True


async def _is_no_listener(_: int) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Which addresses may be reached, beside those that are always forbidden."""

    #: False forbids all private addresses; True leaves it to `is_private_allowed`.
    allow_private: bool = True
    #: Asked before each connection to a private address, since tenants come and go.
    is_private_allowed: Callable[[], Awaitable[bool]] = _is_allowed
    #: Ports of the runtime itself on this machine's addresses, which are forbidden.
    own_ports: frozenset[int] = frozenset()
    #: Host and port of its parts elsewhere: the database, Redis, the Ray cluster.
    own_endpoints: frozenset[tuple[str, int]] = frozenset()
    #: Tells whether a process of the runtime listens on a port of this machine.
    is_own_listener: Callable[[int], Awaitable[bool]] = _is_no_listener

    async def allows_private(self) -> bool:
        """Tell whether private addresses may be reached at the moment."""
        return self.allow_private and await self.is_private_allowed()

    async def find_refusal(self, address: str, port: int) -> str | None:
        """Return why an address may not be reached now; None if it may."""
        reason = await self.find_lasting_refusal(address, port)
        if reason is None and is_inside(address) and not await self.allows_private():
            reason = why_refused(address, allow_private=False)
        return reason

    async def find_lasting_refusal(self, address: str, port: int) -> str | None:
        """Return why this runtime will never reach an address, however many tenants."""
        reason = why_refused(address, allow_private=self.allow_private)
        if reason is None and is_own_machine(address):
            is_own = port in self.own_ports or await self.is_own_listener(port)
            reason = OWN_PORT if is_own else None
        return reason


@dataclass(slots=True)
class Trace:
    """The addresses that one check resolved, and those that answered."""

    resolved: list[str] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)
    #: They refused the connection, which is an answer, too.
    refused: list[str] = field(default_factory=list)
    #: Host and port of a service of our own, which the policy need not allow.
    exempt: tuple[str, int] | None = None

    @property
    def is_outside(self) -> bool:
        """Whether an address outside our own networks answered."""
        return any(not is_inside(one) for one in (*self.connected, *self.refused))

    @property
    def is_inside(self) -> bool:
        """Whether an address of our own networks accepted a connection."""
        return any(map(is_inside, self.connected))

    @property
    def is_network_suspect(self) -> bool:
        """True if our own network may be at fault: nothing of the target answered."""
        is_here = bool(self.resolved) and all(map(is_loopback, self.resolved))
        return not (self.connected or self.refused or is_here)

    @property
    def is_aimed_inside(self) -> bool:
        """Whether the target is known to be inside, where a way out plays no part."""
        return bool(self.resolved) and all(map(is_inside, self.resolved))


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
        if trace.exempt != (host.lower(), port):
            await self._refuse_forbidden(host, addresses, port)
        failure: Exception | None = None
        for address in addresses:
            try:
                stream = await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                if _is_refusal(error):
                    trace.refused.append(address)
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

    async def _refuse_forbidden(
        self, host: str, addresses: list[str], port: int
    ) -> None:
        is_literal = read_literal(host) is not None
        for address in addresses:
            reason = await self._policy.find_refusal(address, port)
            if reason is None and await self._is_own_endpoint(address, port):
                reason = OWN_PORT
            if reason is not None:
                raise RefusedAddressError(reason if is_literal else NAME_REFUSED)

    async def _is_own_endpoint(self, address: str, port: int) -> bool:
        """True if a part of the runtime is reached there, under whatever name."""
        wanted = set(find_embedded(address))
        for host, own_port in self._policy.own_endpoints:
            if own_port != port:
                continue
            with suppress(UnresolvedNameError):
                for own in await self._resolve(host, port):
                    is_same = bool(wanted & set(find_embedded(own)))
                    if is_same or (is_own_machine(own) and is_own_machine(address)):
                        return True
        return False


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


def open_guarded_client(
    policy: EgressPolicy, timeout: httpx.Timeout
) -> httpx.AsyncClient:
    """Open a client for addresses that a tenant chooses; it follows no redirect.

    One client serves all tenants, so it keeps no cookies. Its errors are for
    `classify`, whose texts may be shown to the tenant.
    """
    transport = GuardedTransport(policy, httpx.create_ssl_context(trust_env=False))
    return httpx.AsyncClient(
        transport=transport,
        trust_env=False,
        timeout=timeout,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


async def find_url_refusal(policy: EgressPolicy, url: str) -> str | None:
    """Return why an address, which `check_url` accepted, may never be reached.

    What a name resolves to, and how many tenants there are, is judged at each
    connection.
    """
    _, host, port = split_origin(url)
    if (host, port) in policy.own_endpoints:
        return OWN_PORT
    literal = read_literal(host)
    if literal is None:
        return None
    return await policy.find_lasting_refusal(str(literal), port)


def classify(
    error: Exception, *, quotes_answer: bool = False
) -> tuple[FailureKind, str]:
    """Classify a transport error; the text contains no addresses or secrets.

    Args:
        error: what the request raised.
        quotes_answer: whether the text may repeat what a server said that does not
            speak HTTP. Not of servers inside: their words are not the tenant's.
    """
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
            quoted = f": {error}" if quotes_answer else ""
            return FailureKind.PROTOCOL, f"an invalid answer{quoted}"
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


def has_route(addresses: Iterable[str] = ()) -> bool:
    """True if this machine has a route to one of the addresses; sends nothing.

    Without addresses: to the outside, over IPv4 or IPv6.
    """
    return any(map(_is_routed, tuple(addresses) or NOWHERE))


def _is_routed(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
    except OSError as error:
        return error.errno not in {
            errno.ENETUNREACH,
            errno.ENETDOWN,
            errno.EAFNOSUPPORT,
        }
    return True


def _is_refusal(error: BaseException) -> bool:
    """True if the other side refused the connection: it was there to do so."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError):
            return True
        if isinstance(cause, BaseExceptionGroup):
            return any(map(_is_refusal, cause.exceptions))
        cause = cause.__cause__ or cause.__context__
    return False


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
