"""A shop's knowledge and its customers, written straight into the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from actors.clock import SystemClock
from actors.conversation.events import CustomerWrote, OperatorAnswered
from actors.conversation.ports import AnswerJob
from actors.conversation.state import Source
from persistence.channels import ChannelKind
from persistence.database import Pool
from persistence.documents import (
    DocumentContent,
    create_document,
    delete_document,
    lock_document,
    replace_document,
)
from persistence.ids import (
    ConversationId,
    DocumentId,
    EventId,
    MessageId,
    TenantId,
    UserId,
    derive_conversation_id,
    derive_event_id,
)
from retrieval.documents.chunking import chunk_document
from retrieval.embedding.embedder import Embedder
from retrieval.index.knowledge import SourceType
from tests.support.api import LocalShards, count_words
from tests.support.website import add_shop


@dataclass(frozen=True, slots=True)
class Page:
    """A document of a small shop."""

    title: str
    text: str
    source: SourceType = SourceType.FAQ
    tags: tuple[str, ...] = ()


SHIPPING = Page(
    "هزینه‌ی ارسال",
    "هزینه‌ی ارسال با پست به همه‌ی شهرها ۶۵ هزار تومان است. "
    "برای خرید بالای ۲ میلیون تومان ارسال رایگان است.",
)
RETURNS = Page(
    "مرجوع کردن کالا",
    "تا ۷ روز پس از تحویل می‌توانید کالای نپوشیده را پس بدهید. "
    "مبلغ در سه روز کاری به کارت شما برمی‌گردد.",
)
SIZES = Page(
    "راهنمای اندازه",
    "برای انتخاب سایز، دور سینه و دور کمر را با متر اندازه بگیرید.",
    SourceType.MANUAL,
)
#: The sentence of it that tells the price.
SHIPPING_FEE = "هزینه‌ی ارسال با پست به همه‌ی شهرها ۶۵ هزار تومان است."
PAGES = (SHIPPING, RETURNS, SIZES)


async def add_page(
    pool: Pool, tenant_id: TenantId, page: Page, document_id: DocumentId | None = None
) -> DocumentId:
    """Add a document, or write one anew."""
    content = DocumentContent(page.source, page.title, page.text, tags=page.tags)
    parents = chunk_document(page.title, page.text, count_words)
    async with pool.acquire() as connection, connection.transaction():
        if document_id is None:
            document_id = DocumentId(uuid4())
            await create_document(connection, tenant_id, document_id, content, parents)
        else:
            old = await lock_document(connection, tenant_id, document_id)
            assert old is not None
            await replace_document(connection, old, content, parents)
    return document_id


async def remove_page(pool: Pool, tenant_id: TenantId, document_id: DocumentId) -> None:
    """Delete a document."""
    async with pool.acquire() as connection, connection.transaction():
        assert await delete_document(connection, tenant_id, document_id)


async def count_missing(pool: Pool) -> int:
    """Count the chunks that have no vector."""
    count = "SELECT count(*) FROM chunks WHERE embedding IS NULL"
    return int(str(await pool.fetchval(count)))


class CountingEmbedder:
    """An embedder that counts what it is asked to embed.

    Two of them embed no text twice: most tests embed the same few.
    """

    _known: ClassVar[dict[str, NDArray[np.float32]]] = {}
    #: By embedder as well: a disturbed one has vectors of its own.
    _known_queries: ClassVar[dict[tuple[int, str], NDArray[np.float32]]] = {}

    def __init__(self, embedder: Embedder, name: str = "") -> None:
        self._embedder = embedder
        self.name = name or embedder.name
        self.dimensions = embedder.dimensions
        self.passages: list[str] = []
        self.failure: Exception | None = None

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions; these are not counted."""
        if self.failure is not None:
            raise self.failure
        keys = [(id(self._embedder), text) for text in texts]
        if not all(key in self._known_queries for key in keys):
            vectors = self._embedder.embed_queries(texts)
            self._known_queries.update(zip(keys, vectors, strict=True))
        return np.stack([self._known_queries[key] for key in keys])

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages."""
        if self.failure is not None:
            raise self.failure
        self.passages += texts
        new = [text for text in texts if text not in self._known]
        if new:
            vectors = self._embedder.embed_passages(new)
            self._known.update(zip(new, vectors, strict=True))
        return np.stack([self._known[text] for text in texts])

    def count_tokens(self, text: str) -> int:
        """Count as the real one does."""
        return self._embedder.count_tokens(text)


@dataclass(frozen=True, slots=True)
class Counter:
    """Where a shop's customers write: a real shard behind a website channel."""

    pool: Pool
    shards: LocalShards
    tenant_id: TenantId
    conversation_id: ConversationId
    asked: list[CustomerWrote]

    async def write(
        self, *texts: str, reply_to: str | None = None, referred: str = ""
    ) -> AnswerJob:
        """Let the customer write; return the job of answering just this.

        `reply_to` is the platform id of the message that it answers: "m1" is the first.
        """
        ids = []
        for text in texts:
            mid = f"m{len(self.asked)}"
            first = self.asked[0]
            event = CustomerWrote(
                id=derive_event_id(self.conversation_id, mid),
                conversation_id=self.conversation_id,
                at=SystemClock().now(),
                tenant_id=self.tenant_id,
                channel_id=first.channel_id,
                source=Source.WEBSITE,
                customer=first.customer,
                mid=mid,
                text=text,
                reply_to_mid=reply_to,
                referred=referred,
            )
            self.asked.append(event)
            await self.shards.submit(event)
            ids.append(MessageId(event.id))
        return AnswerJob(self.tenant_id, self.conversation_id, tuple(ids))

    async def answer(self, text: str) -> None:
        """Let an operator answer."""
        await self.shards.submit(
            OperatorAnswered(
                id=EventId(uuid4()),
                conversation_id=self.conversation_id,
                at=SystemClock().now(),
                user_id=UserId(uuid4()),
                text=text,
            )
        )


async def open_counter(
    pool: Pool, name: str = "shop", *, beside: Counter | None = None
) -> Counter:
    """Open a shop without knowledge, whose one customer has said hello.

    The shops of one database share a shard: a second one would take its place.
    """
    channel = await add_shop(pool, ChannelKind.WEBSITE, name)
    if beside is None:
        shards = LocalShards(pool)
        await shards.shard.start()
    else:
        shards = beside.shards
    conversation_id = derive_conversation_id(channel.id, "sara")
    hello = CustomerWrote(
        id=derive_event_id(conversation_id, "hello"),
        conversation_id=conversation_id,
        at=SystemClock().now(),
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        source=Source.WEBSITE,
        customer="sara",
        mid="hello",
        text="سلام",
    )
    await shards.submit(hello)
    return Counter(pool, shards, channel.tenant_id, conversation_id, [hello])
