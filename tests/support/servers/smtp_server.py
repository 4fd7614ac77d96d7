"""A real SMTP server, of the few words that handing in a mail takes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_string, policy
from email.message import EmailMessage


@dataclass
class SmtpServer:
    """Keeps the mails and the commands; refuses recipients of `refused`."""

    mails: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    refused: str = "nobody@example.com"
    extensions: tuple[str, ...] = ("8BITMIME",)
    #: Mails are taken and never answered.
    hangs_after_data: bool = False
    #: Mails are answered, the goodbye is not.
    hangs_after_quit: bool = False
    #: Clear it, and nobody is greeted.
    may_greet: asyncio.Event = field(default_factory=asyncio.Event)
    #: Those that are open.
    connections: int = 0
    host: str = "127.0.0.1"
    port: int = 0

    @property
    def messages(self) -> list[EmailMessage]:
        """Return the mails as a reader's program shows them."""
        parsed = (message_from_string(m, policy=policy.default) for m in self.mails)
        return [mail for mail in parsed if isinstance(mail, EmailMessage)]

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Speak to one client."""
        self.connections += 1
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The client has gone.
        finally:
            self.connections -= 1
            writer.transport.abort()

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await self.may_greet.wait()
        writer.write(b"220 test\r\n")
        while line := await reader.readline():
            word = line.decode().strip().upper()
            self.commands.append(word)
            if word.startswith("EHLO"):
                lines = ["test", *self.extensions]
                marks = ["-"] * (len(lines) - 1) + [" "]
                shown = zip(marks, lines, strict=True)
                writer.write("".join(f"250{m}{text}\r\n" for m, text in shown).encode())
            elif word.startswith("AUTH"):
                writer.write(b"235 welcome\r\n")
            elif word.startswith("RCPT") and self.refused.upper() in word:
                writer.write(b"550 no such user\r\n")
            elif word == "DATA":
                writer.write(b"354 go on\r\n")
                data = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(data.decode())
                if self.hangs_after_data:
                    await reader.read()
                    return
                writer.write(b"250 taken\r\n")
            elif word == "QUIT":
                if self.hangs_after_quit:
                    await reader.read()
                    return
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        await writer.drain()


@asynccontextmanager
async def smtp_server(host: str = "127.0.0.1") -> AsyncIterator[SmtpServer]:
    """Run one for the time of the block."""
    smtp = SmtpServer(host=host)
    smtp.may_greet.set()
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(smtp.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, host, 0)
    smtp.port = server.sockets[0].getsockname()[1]
    try:
        yield smtp
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
