"""A real SMTP server, of the few words that handing in a mail takes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class SmtpServer:
    """Keeps the mails; refuses recipients of `refused`."""

    mails: list[str] = field(default_factory=list)
    refused: str = "nobody@example.com"
    port: int = 0

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Speak to one client."""
        writer.write(b"220 test\r\n")
        while line := await reader.readline():
            word = line.decode().strip().upper()
            if word.startswith("EHLO"):
                writer.write(b"250-test\r\n250 8BITMIME\r\n")
            elif word.startswith("RCPT") and self.refused.upper() in word:
                writer.write(b"550 no such user\r\n")
            elif word == "DATA":
                writer.write(b"354 go on\r\n")
                data = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(data.decode())
                writer.write(b"250 taken\r\n")
            elif word == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def smtp_server() -> AsyncIterator[SmtpServer]:
    """Run one for the time of the block."""
    smtp = SmtpServer()
    server = await asyncio.start_server(smtp.serve, "127.0.0.1", 0)
    smtp.port = server.sockets[0].getsockname()[1]
    try:
        yield smtp
    finally:
        server.close()
