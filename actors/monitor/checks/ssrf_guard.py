"""Connections that reach no forbidden address, whatever a name or a redirect says.

The guard stands where the socket is opened: the address that was judged is the one that
is connected to, so a name that resolves to another one a moment later gains nothing.
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
from ipaddress import ip_address

import httpcore
import httpx

from actors.monitor.checks.addresses import is_inside, is_loopback, why_refused
from actors.monitor.checks.outcome import FailureKind

#: Names that don't resolve hold a thread for seconds; others must not wait for them.
RESOLVER_THREADS = 32
#: A documentation address: no packet is sent, only a route is looked for.
NOWHERE = ("192.0.2.1", 9)


@dataclass(frozen=True, slots=True)
class Walls:
    """What checks may not reach, beside what nobody's may."""

    may_be_private: bool = True
    #: Ports of this machine that belong to the runtime itself.
    own_ports: frozenset[int] = frozenset()


@dataclass(slots=True)
class Trace:
    """Where one check wanted to go, and where it has been."""

    resolved: list[str] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)

    @property
    def is_outside(self) -> bool:
        """Whether something beyond our own networks took a connection."""
        return any(not is_inside(address) for address in self.connected)

    @property
    def may_blame_us(self) -> bool:
        """Whether a failure may be our own network's: it is not on this machine."""
        is_here = bool(self.resolved) and all(map(is_loopback, self.resolved))
        return not self.connected and not is_here


#: Set for each check by its own task, in which its connections are opened, too.
TRACE: ContextVar[Trace | None] = ContextVar("trace", default=None)


class RefusedAddressError(Exception):
    """A check would have reached a forbidden address."""


class UnresolvedNameError(Exception):
    """The name of a service leads nowhere."""


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves, judges, and connects to what was judged."""

    def __init__(self, walls: Walls) -> None:
        self._walls = walls
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
            self._judge(address, port)
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
        """Refuse: no service is a file of this machine."""
        raise RefusedAddressError

    async def sleep(self, seconds: float) -> None:
        """Wait; see httpcore."""
        await self._inner.sleep(seconds)

    def close(self) -> None:
        """Let the threads go."""
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    async def _resolve(self, host: str, port: int) -> list[str]:
        with suppress(ValueError):
            return [str(ip_address(host))]
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._resolvers,
                lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM),
            )
        except (OSError, UnicodeError) as error:
            raise UnresolvedNameError from error
        # Each once, in the system's order of preference.
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    def _judge(self, address: str, port: int) -> None:
        reason = why_refused(address, may_be_private=self._walls.may_be_private)
        if reason is None and port in self._walls.own_ports and is_loopback(address):
            reason = "this port belongs to the runtime itself"
        if reason is not None:
            raise RefusedAddressError(reason)


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx over guarded connections, each used once."""

    def __init__(self, walls: Walls, ssl_context: ssl.SSLContext) -> None:
        super().__init__(verify=ssl_context, trust_env=False)
        self._backend = GuardedBackend(walls)
        # httpx has no parameter for it. A link that is kept would hide what a customer
        # of the service goes through, and five minutes later it is closed anyway.
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


def classify(error: Exception) -> tuple[FailureKind, str]:
    """Say what a transport's error was, in words without addresses or secrets."""
    match error:
        case RefusedAddressError():
            return FailureKind.FORBIDDEN, str(error) or "this address is not checked"
        case UnresolvedNameError():
            return FailureKind.DNS, "the name can't be resolved"
        case TimeoutError() | httpx.TimeoutException():
            return FailureKind.TIMEOUT, "no whole answer in time"
        case httpx.ConnectError():
            return _classify_connect(error)
        case httpx.RemoteProtocolError():
            return FailureKind.PROTOCOL, f"a broken answer: {error}"
        case httpx.NetworkError():
            return FailureKind.PROTOCOL, "the connection was cut"
        case httpx.LocalProtocolError():
            # Its text repeats the header that is wrong, which may be a secret.
            return FailureKind.PROTOCOL, "a header can't be sent as it is written"
        case httpx.InvalidURL():
            return FailureKind.PROTOCOL, f"not an address: {error}"
        case _:
            return FailureKind.PROTOCOL, f"broken off by {type(error).__name__}"


def has_route() -> bool:
    """Say whether this machine has a way out at all, without sending anything."""
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
