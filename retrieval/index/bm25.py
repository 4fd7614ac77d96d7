"""Search by words: BM25 over pieces of words, as a sparse matrix of ready scores."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

from retrieval.index.score_matrix import (
    K1,
    B,
    Counted,
    Layout,
    find_alive,
    lay_out,
    lucene_idf,
)
from retrieval.text.normalise import normalise

_GRAM_SIZES = (3, 4)
# A language's usual words, which make up nearly all of what is indexed.
_REMEMBERED_WORDS = 65_536
_LONGEST_WORD = 64
# Of a seam, this much of each word: endings and typing errors at the far ends of the
# words do not matter.
_SEAM_SIZE = 3
# Fewer documents than this are laid out anew in a tenth of a second; of more, so large
# a share may change before they are.
_LARGE = 2_000
_DRIFT = 0.05
# While more is on its way, an order that is a little off is better than a whole layout
# for each part of it.
_DRIFT_MEANWHILE = 0.5
# Of all terms, so many may be of texts that are gone before they are forgotten.
_DEAD = 0.1
_MOST_COUNTED = 65_535


def grams(text: str) -> list[str]:
    """Cut a text into the pieces that are compared: 3 and 4 characters inside a word.

    A blank marks the edges of a word, so `نخ` gives `" نخ"`, `"نخ "` and `" نخ "`. The
    half-space is deleted first: پیراهن‌ها, پیراهنها and پیراهن share most of their
    pieces, and so does a word with a typing error.
    """
    return [piece for word in normalise(text).split() for piece in word_grams(word)]


def seams(words: Sequence[str]) -> list[str]:
    """Cut out where words meet, so that their order counts for something.

    By hand: `پیراهن مردانه` meets at `"اهن مرد"`. No word's piece has a blank inside.
    """
    return [f"{a[-_SEAM_SIZE:]} {b[:_SEAM_SIZE]}" for a, b in pairwise(words)]


def document_pieces(text: str) -> list[str]:
    """Cut a document into all that it can be found by: pieces of words, and seams."""
    words = normalise(text).split()
    return [piece for word in words for piece in word_grams(word)] + seams(words)


def word_grams(word: str) -> tuple[str, ...]:
    """Cut one folded word into its pieces."""
    # What is longer is no word of a language, and would fill the memory of those.
    return _usual_grams(word) if len(word) <= _LONGEST_WORD else _cut(word)


@lru_cache(maxsize=_REMEMBERED_WORDS)
def _usual_grams(word: str) -> tuple[str, ...]:
    return _cut(word)


def _cut(word: str) -> tuple[str, ...]:
    edged = f" {word} "
    return tuple(
        edged[i : i + size]
        for size in _GRAM_SIZES
        for i in range(len(edged) - size + 1)
    )


class LuceneBM25(BM25Okapi):  # type: ignore[misc]  # rank_bm25 has no annotations
    """`rank_bm25`'s Okapi with Lucene's idf, which is never negative.

    idf = ln(1 + (N - n + 0.5) / (n + 0.5)). Okapi's own idf turns negative for a term
    in more than half of the documents, which in a shop of ten is any common word.
    """

    def __init__(self, corpus: Sequence[Sequence[str]]) -> None:
        super().__init__(corpus, k1=K1, b=B)

    def _calc_idf(self, nd: Mapping[str, int]) -> None:
        n_documents = np.array([*nd.values()], dtype=np.float64)
        self.idf = dict(zip(nd, lucene_idf(self.corpus_size, n_documents), strict=True))


@dataclass(frozen=True, slots=True)
class FittedTexts:
    """What `rank_bm25` has counted of some texts: needs no index, takes most time."""

    frequencies: Sequence[Mapping[str, int]]
    lengths: Sequence[int]


NO_TEXTS = FittedTexts((), ())


def fit_texts(texts: Sequence[str]) -> FittedTexts:
    """Count the pieces of texts."""
    if not texts:
        return NO_TEXTS
    fitted = LuceneBM25([document_pieces(text) for text in texts])
    return FittedTexts(fitted.doc_freqs, fitted.doc_len)


class Bm25Index:
    """The sparse arm's index: documents come and go by integer key.

    `rank_bm25` counts each batch that is added; the batches' statistics are summed, so
    the scores are those that it gives when fitted to all documents at once, without
    reading them all again after an edit. The sums become a matrix at the next query, or
    before it by `changed` and `settled`, which leave this index to those who search it.
    In a large index an edit is laid out beside the others, in milliseconds instead of
    seconds, with the statistics of the last whole layout until a twentieth has changed.
    """

    def __init__(self) -> None:
        self._term_ids: dict[str, int] = {}
        self._documents: dict[int, Counted] = {}
        self._layout: Layout | None = None
        # Keys that were added, and keys that went or changed, since that layout.
        self._added: set[int] = set()
        self._gone: set[int] = set()
        self._added_layout: Layout | None = None
        self._is_laid_out = False

    def __len__(self) -> int:
        return len(self._documents)

    @property
    def n_terms(self) -> int:
        """Count the pieces of words that are known."""
        return len(self._term_ids)

    def changed(
        self,
        gone: Iterable[int],
        keys: Sequence[int],
        fitted: FittedTexts,
        *,
        more_follows: bool = False,
    ) -> Self:
        """Make the index that this one is after an edit, laid out if this one is.

        With `more_follows`, much may change before it is laid out as a whole.
        """
        index = self._copy()
        index.remove(gone)
        index.add_fitted(keys, fitted)
        if index._layout is not None:
            index._lay_out(_DRIFT_MEANWHILE if more_follows else _DRIFT)
        return index

    def settled(self) -> Self:
        """Make the same index as questions need it, when no more follows."""
        index = self._copy()
        index._lay_out(_DRIFT)
        return index

    def _copy(self) -> Self:
        """Copy what an edit changes; terms are only ever added, and are shared."""
        index = copy(self)
        index._documents = self._documents.copy()
        index._added, index._gone = self._added.copy(), self._gone.copy()
        return index

    def add(self, keys: Sequence[int], texts: Sequence[str]) -> None:
        """Count documents; a key that is already there is counted anew."""
        self.add_fitted(keys, fit_texts(texts))

    def add_fitted(self, keys: Sequence[int], fitted: FittedTexts) -> None:
        """Take in documents that are counted already."""
        if keys:
            self._added_layout, self._is_laid_out = None, False
        counted = zip(keys, fitted.frequencies, fitted.lengths, strict=True)
        for key, frequencies, length in counted:
            self._let_go(key)
            self._added.add(key)
            ids = [self._term_id(term) for term in frequencies]
            counts = np.fromiter(frequencies.values(), dtype=np.int64)
            self._documents[key] = Counted(
                np.array(ids, dtype=np.int32),
                # The thousandth time says nothing more than the hundredth.
                counts.clip(max=_MOST_COUNTED).astype(np.uint16),
                length,
            )

    def remove(self, keys: Iterable[int]) -> None:
        """Forget documents; unknown keys are none of its business."""
        for key in keys:
            self._let_go(key)

    def _let_go(self, key: int) -> None:
        if self._documents.pop(key, None) is None:
            return
        self._is_laid_out = False
        if key in self._added:
            self._added.remove(key)
            self._added_layout = None
        else:
            self._gone.add(key)

    def scores(
        self, query: str | Mapping[str, float]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Score every document: keys, ascending, and scores, both of one length.

        A document that went may still be among the keys, with a score of 0.

        A query is a text, or pieces and seams with weights: a text is the pieces of its
        words, each weighing as often as it occurs. Higher is better, 0 shares nothing
        with the query; not comparable between queries.
        """
        layout, added = self._laid_out()
        pieces = Counter(grams(query)) if isinstance(query, str) else query
        known = {
            self._term_ids[piece]: weight
            for piece, weight in pieces.items()
            if piece in self._term_ids
        }
        total = layout.total(known)
        if self._gone:
            total[np.searchsorted(layout.keys, [*self._gone])] = 0
        if added is None:
            return layout.keys, total
        return (
            np.concatenate([layout.keys, added.keys]),
            np.concatenate([total, added.total(known)]),
        )

    def coverage(self, words: Sequence[str], key: int) -> float:
        """Tell how much of some folded words a document holds: a mean over the words.

        A word counts by the share of its pieces that the document has, so an inflected
        or mistyped word still counts in part. 0 to 1; no words are 0.
        """
        if not words:
            return 0.0
        held = set(self._documents[key].terms.tolist())
        shares = []
        for word in words:
            pieces = set(word_grams(word))
            found = sum(self._term_ids.get(piece) in held for piece in pieces)
            shares.append(found / max(len(pieces), 1))
        return sum(shares) / len(shares)

    def share_of_strange(self, words: Sequence[str]) -> float:
        """Tell what share of folded words has a piece that no document ever had.

        A typing error mostly makes one, and so does a name. 0 to 1; no words are 0.
        """
        strange = sum(
            any(piece not in self._term_ids for piece in word_grams(word))
            for word in words
        )
        return strange / len(words) if words else 0.0

    def _term_id(self, term: str) -> int:
        return self._term_ids.setdefault(term, len(self._term_ids))

    def _laid_out(self) -> tuple[Layout, Layout | None]:
        if self._layout is None or not self._is_laid_out:
            return self._lay_out(_DRIFT)
        return self._layout, self._added_layout

    def _lay_out(self, drift: float) -> tuple[Layout, Layout | None]:
        """Bring the layouts up to date, the whole one if more than `drift` changed."""
        if self._layout is None or not self._fits_beside(self._layout, drift):
            self._forget_dead_terms()
            self._layout = lay_out(self._documents, len(self._term_ids))
            self._added, self._gone, self._added_layout = set(), set(), None
        elif self._added and self._added_layout is None:
            added = {key: self._documents[key] for key in self._added}
            self._added_layout = lay_out(added, len(self._term_ids), self._layout)
        self._is_laid_out = True
        return self._layout, self._added_layout

    def _fits_beside(self, layout: Layout, drift: float) -> bool:
        n_changed = len(self._added) + len(self._gone)
        if not n_changed:
            return True
        is_small = len(layout.keys) < _LARGE and drift < _DRIFT_MEANWHILE
        if is_small or n_changed > drift * len(layout.keys):
            return False
        # Both layouts' keys together are ascending.
        return not self._added or min(self._added) > layout.keys[-1]

    def _forget_dead_terms(self) -> None:
        """Number the terms anew once many are of texts that are gone."""
        is_alive = find_alive(self._documents.values(), len(self._term_ids))
        if np.count_nonzero(~is_alive) <= _DEAD * len(is_alive):
            return
        ids = np.cumsum(is_alive, dtype=np.int32) - np.int32(1)
        alive = zip(self._term_ids, is_alive.tolist(), strict=True)
        terms = [term for term, is_one in alive if is_one]
        # A dictionary of its own: others still search by the one before.
        self._term_ids = dict(zip(terms, range(len(terms)), strict=True))
        self._documents = {
            key: replace(counted, terms=ids[counted.terms])
            for key, counted in self._documents.items()
        }
