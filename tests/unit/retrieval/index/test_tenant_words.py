"""The words of a tenant's chunks: read at the first question, kept up to date after."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from retrieval.index.knowledge import IndexedChunk, SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.query.terms import make_term
from tests.unit.retrieval.samples import DIMENSIONS, a_chunk

COAT = a_chunk("coat", "پالتو برفین", "پالتو زمستانی شتری.", SourceType.PRODUCTS)
SHOES = a_chunk("shoes", "کفش رها", "کفش دو نفره iphone.", SourceType.PRODUCTS)
SHIPPING = a_chunk("ship", "هزینه ارسال", "ارسال با پست ۴۵ هزار تومان است.")
WORDS = ("پالتو", "کفش", "ارسال", "شتری", "دونفره", "45000", "زمستان", "برفین")
MANY = [a_chunk(f"c{n}", f"کالای {n}", f"کالای شماره {n} آبی است.") for n in range(60)]


def an_index(*chunks: IndexedChunk) -> KnowledgeIndex:
    index = KnowledgeIndex(DIMENSIONS)
    index.apply(chunks)
    return index


def seen(index: KnowledgeIndex) -> list[tuple[object, ...]]:
    lexicon, vocabulary = index.lexicon, index.vocabulary
    return [
        (
            word,
            lexicon.holds(word),
            lexicon.count(make_term(word)),
            lexicon.rarity(make_term(word)),
            lexicon.names(make_term(word)),
            vocabulary.count(word),
        )
        for word in WORDS
    ]


def test_words_read_before_an_edit_are_those_that_are_read_after_it() -> None:
    early, late = (an_index(COAT, SHIPPING) for _ in range(2))
    seen(early)
    for index in (early, late):
        index.apply([SHOES], [COAT.document_id])
        index.bar([SHIPPING.document_id])
    assert seen(early) == seen(late) == seen(an_index(SHOES))
    assert early.vocabulary.count("کفش") == 1


def test_a_chunk_that_only_gets_its_vector_is_counted_once() -> None:
    index = an_index(COAT)
    seen(index)
    index.apply([COAT])
    assert index.lexicon.count(make_term("پالتو")) == 1


def test_questions_that_come_together_read_the_same_words() -> None:
    index = an_index(*MANY)
    start = Barrier(3)

    def ask() -> int:
        start.wait()
        return id(index.lexicon)

    def edit() -> None:
        start.wait()
        index.apply([COAT], [MANY[0].document_id])

    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(ask) for _ in range(2)]
        edited = pool.submit(edit)
        first, second = (one.result() for one in asked)
        edited.result()
    assert first == second
    assert seen(index) == seen(an_index(*MANY[1:], COAT))
