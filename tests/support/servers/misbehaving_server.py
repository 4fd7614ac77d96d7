"""HTTP servers that misbehave as real servers do."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Handler = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class MisbehavingServer:
    """Answers each path by its handler; remembers what came."""

    handlers: dict[str, Handler] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    scheme: str = "http"
    port: int = 0

    @property
    def url(self) -> str:
        """The server's address."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def on(self, path: str, handler: Handler) -> str:
        """Answer the path so; return its whole address."""
        self.handlers[path] = handler
        return f"{self.url}{path}"

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one connection, one request."""
        try:
            await self._answer(reader, writer)
        finally:
            writer.transport.abort()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            method, path, _ = first.split(" ")
            pairs = (line.partition(":") for line in lines)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            request = Request(method, path, headers, body)
            self.requests.append(request)
            await self.handlers.get(path.partition("?")[0], missing)(request, writer)
            writer.write_eof() if writer.can_write_eof() else None
            await reader.read()


@asynccontextmanager
async def misbehaving_server(
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[MisbehavingServer]:
    """Run one for the time of the block."""
    served = MisbehavingServer(scheme="http" if tls is None else "https")
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(served.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answer(
    status: int = 200, body: bytes = b"ok", **headers: str
) -> Callable[[Request, asyncio.StreamWriter], Awaitable[None]]:
    """Answer like any server; a header `content_type` is `content-type`."""

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        shown = {"content-length": str(len(body)), **headers}
        lines = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in shown.items())
        writer.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode())
        if request.method != "HEAD":
            writer.write(body)
        await writer.drain()

    return handle


def redirect(to: str, status: int = 302) -> Handler:
    """Send the caller somewhere else."""
    return answer(status, b"", location=to)


async def missing(request: Request, writer: asyncio.StreamWriter) -> None:
    """Answer 404."""
    await answer(404)(request, writer)


async def hang(_request: Request, _writer: asyncio.StreamWriter) -> None:
    """Take the request and never answer."""
    await asyncio.Event().wait()


async def reset(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Cut the connection in the middle."""
    writer.transport.abort()


async def stream_for_ever(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Send a body without an end, as quickly as it is taken."""
    writer.write(b"HTTP/1.1 200 X\r\ncontent-type: text/plain\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def drip(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then: no single read ever runs out of time."""
    writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def lie_about_length(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Promise more than is sent."""
    writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 5000\r\n\r\nshort")
    await writer.drain()


async def talk_nonsense(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Answer something that is not HTTP."""
    writer.write(b"220 mail.example.com ESMTP\r\n")
    await writer.drain()


def make_certificate(folder: Path, ends_in: timedelta) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate of 127.0.0.1; return a server's context, and whom to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)  # noqa: TID251 - the handshake asks the machine's clock
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=90))
        .not_valid_after(now + ends_in)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    return context, chain
