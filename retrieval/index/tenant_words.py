"""The words of one tenant's chunks, as questions are read and mended by them."""

from collections.abc import Iterable

from retrieval.embedding.embedder import passage_text
from retrieval.index.knowledge import IndexedChunk
from retrieval.index.lexicon import Lexicon
from retrieval.query.vocabulary import Vocabulary


class TenantWords:
    """Both views of the words: how rare a term is, and how a word is spelled.

    Reading a chunk takes half a millisecond and more, several times what the search's
    own indexes take. Edits are made by one thread at a time; questions read meanwhile.
    """

    def __init__(self, chunks: Iterable[IndexedChunk]) -> None:
        self.lexicon = Lexicon()
        self.vocabulary = Vocabulary()
        self.add(chunks)

    def add(self, chunks: Iterable[IndexedChunk]) -> None:
        """Take in the words of chunks that came."""
        for chunk in chunks:
            self.lexicon.add((chunk,))
            self.vocabulary.add(passage_text(chunk.title, chunk.text))

    def remove(self, chunks: Iterable[IndexedChunk]) -> None:
        """Take back what `add` counted for chunks."""
        for chunk in chunks:
            self.lexicon.remove((chunk,))
            self.vocabulary.remove(passage_text(chunk.title, chunk.text))
