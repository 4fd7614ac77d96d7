"""Small shops for the tests of answers: documents cut as they are when stored."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from retrieval.documents.chunking import chunk_document
from retrieval.embedding.embedder import Embedder, passage_text
from retrieval.index.knowledge import IndexedChunk, SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.index.lexicon import Lexicon
from tests.unit.retrieval.samples import an_id

#: Title and text of each document.
Documents = Sequence[tuple[str, str]]


@cache
def cut(title: str, text: str, revision: int = 1) -> tuple[IndexedChunk, ...]:
    """Cut a document into chunks without vectors; its title is its identity."""
    parents = chunk_document(title, text, lambda words: len(words.split()))
    return tuple(
        IndexedChunk(
            an_id(f"{title} {chunk.position}"),
            an_id(title),
            SourceType.MANUAL,
            title,
            chunk.text,
            an_id(f"{title} parent {parent.position}"),
            parent.text,
            block=chunk.block,
            revision=revision,
        )
        for parent in parents
        for chunk in parent.chunks
    )


def cut_all(documents: Documents) -> list[IndexedChunk]:
    """Cut documents in their order, the later ones being newer."""
    return [
        chunk
        for revision, (title, text) in enumerate(documents, start=1)
        for chunk in cut(title, text, revision)
    ]


def count_words(documents: Documents) -> Lexicon:
    """Count the words of documents."""
    lexicon = Lexicon()
    lexicon.add(cut_all(documents))
    return lexicon


def embed(documents: Documents, embedder: Embedder) -> KnowledgeIndex:
    """Index documents with their vectors."""
    chunks = cut_all(documents)
    vectors = embedder.embed_passages(
        [passage_text(chunk.title, chunk.text) for chunk in chunks]
    )
    index = KnowledgeIndex(embedder.dimensions)
    index.apply(
        [
            replace(chunk, vector=vector)
            for chunk, vector in zip(chunks, vectors, strict=True)
        ]
    )
    return index


#: A bicycle shop: prose, a table, a product, named lines.
BICYCLES: Documents = (
    (
        "دوچرخه‌ها",
        "| مدل | قیمت | وزن | سایز چرخ |\n|---|---|---|---|\n"
        "| دوچرخه کوهستان البرز | ۱۸٬۵۰۰٬۰۰۰ تومان | ۱۴ کیلوگرم | ۲۷.۵ |\n"
        "| دوچرخه شهری نسیم | ۱۲٬۹۰۰٬۰۰۰ تومان | ۱۶ کیلوگرم | ۲۶ |\n"
        "| دوچرخه کورسی آذرخش | ۳۱٬۰۰۰٬۰۰۰ تومان | ۹ کیلوگرم | ۲۸ |\n",
    ),
    (
        "تعمیرگاه",
        "سرویس کامل دوچرخه ۶۸۰ هزار تومان است. پنچرگیری ۹۰ هزار تومان است و نیم ساعت "
        "طول می‌کشد. دوچرخه‌ای را که از ما نخریده‌اید هم تعمیر می‌کنیم.",
    ),
    (
        "ساعت کار و نشانی",
        "هر روز از ساعت ۱۰ تا ۲۰ باز هستیم و جمعه‌ها تعطیل است. "
        "نشانی ما خیابان سعدی، کوچه‌ی بهار، پلاک ۱۲ است.",
    ),
    (
        "ارسال و مرجوعی",
        "ارسال دوچرخه به شهرستان با باربری انجام می‌شود و ۳ روز طول می‌کشد. "
        "کلاه ایمنی تا ۷ روز پس گرفته می‌شود.",
    ),
)
#: A bakery: pairs, and named lines.
BAKERY: Documents = (
    (
        "پرسش‌های پرتکرار",
        "نان سنگک کنجدی دارید؟\nبله، هر روز صبح نان سنگک کنجدی داریم.\n\n"
        "سفارش کیک تولد را چند روز قبل بدهیم؟\nسفارش کیک تولد را دو روز قبل بدهید.\n\n"
        "نان بدون گلوتن دارید؟\nخیر، نان بدون گلوتن نمی‌پزیم.\n",
    ),
    (
        "قیمت‌ها",
        "نان بربری: هر عدد ۱۵ هزار تومان\nنان باگت: هر عدد ۲۲ هزار تومان\n"
        "شیرینی دانمارکی: هر کیلو ۴۲۰ هزار تومان\n",
    ),
)
