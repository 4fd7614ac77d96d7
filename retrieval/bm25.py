"""Search by words: BM25 over pieces of words, as a sparse matrix of ready scores."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi
from scipy.sparse import coo_array, csc_array

from retrieval.normalise import normalise

_GRAM_SIZES = (3, 4)
# A language's usual words, which make up nearly all of what is indexed.
_REMEMBERED_WORDS = 65_536
# Of a seam, this much of each word: endings and typing errors at the far ends of the
# words do not matter.
_SEAM_SIZE = 3
# Measured on Persian questions of two shops and of an encyclopedia, clean and noisy: .7
# of hit@1 over Lucene's k1 of 1.2 on long passages, a little on all. Okapi and Plus
# stay within a point, L loses up to 38.
_K1 = 0.8
_B = 0.75
# A term of more documents than this share is kept as one number a document: added up
# ten times faster than by places.
_COMMON = 0.1
# Fewer documents than this are laid out anew in a tenth of a second; of more, so large
# a share may change before they are.
_LARGE = 2_000
_DRIFT = 0.05
_BLOCK = 1_000
_MOST_COUNTED = 65_535
_NO_TERMS = np.empty(0, dtype=np.int32)
_NO_VALUES = np.empty(0, dtype=np.float32)


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


@lru_cache(maxsize=_REMEMBERED_WORDS)
def word_grams(word: str) -> tuple[str, ...]:
    """Cut one folded word into its pieces."""
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
        super().__init__(corpus, k1=_K1, b=_B)

    def _calc_idf(self, nd: Mapping[str, int]) -> None:
        n_documents = np.array([*nd.values()], dtype=np.float64)
        self.idf = dict(zip(nd, _idf(self.corpus_size, n_documents), strict=True))


def _idf(n_corpus: int, n_documents: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log1p((n_corpus - n_documents + 0.5) / (n_documents + 0.5))


@dataclass(frozen=True, slots=True)
class FittedTexts:
    """What `rank_bm25` has counted of some texts: needs no index, takes most time."""

    frequencies: Sequence[Mapping[str, int]]
    lengths: Sequence[int]


def fit_texts(texts: Sequence[str]) -> FittedTexts:
    """Count the pieces of texts."""
    if not texts:
        return FittedTexts((), ())
    fitted = LuceneBM25([document_pieces(text) for text in texts])
    return FittedTexts(fitted.doc_freqs, fitted.doc_len)


@dataclass(frozen=True, slots=True)
class _Counted:
    """One document's distinct terms, how often each occurs, and all of them."""

    terms: NDArray[np.int32]
    counts: NDArray[np.uint16]
    length: int


@dataclass(frozen=True, slots=True)
class _Layout:
    """The scores of every term in every document, ready to be added up.

    Those of a term are a column of `by_term`, only of the documents that hold it; those
    of a common term are a row of `common` instead, one number a document.
    """

    keys: NDArray[np.int64]
    by_term: csc_array
    common: NDArray[np.float32]
    row_of_common: Mapping[int, int]
    idf: NDArray[np.float64]
    n_documents: int
    mean_length: float

    def total(self, weights: Mapping[int, float]) -> NDArray[np.float32]:
        """Add up the scores of weighted terms, for every document."""
        # A term that is not here came with a document that is laid out elsewhere.
        rare = [
            term
            for term in weights
            if term not in self.row_of_common and term < len(self.idf)
        ]
        by_rarity = np.array([weights[term] for term in rare], dtype=np.float32)
        total: NDArray[np.float32] = self.by_term[:, rare] @ by_rarity
        weighted = np.empty_like(total)
        for term, weight in weights.items():
            row = self.row_of_common.get(term)
            if row is not None:
                np.multiply(self.common[row], np.float32(weight), out=weighted)
                total += weighted
        return total


class Bm25Index:
    """The sparse arm's index: documents come and go by integer key.

    `rank_bm25` counts each batch that is added; the batches' statistics are summed, so
    the scores are those that it gives when fitted to all documents at once, without
    reading them all again after an edit. The sums become a matrix at the next query.
    In a large index an edit is laid out beside the others, in milliseconds instead of
    seconds, with the statistics of the last whole layout until a twentieth has changed.
    """

    def __init__(self) -> None:
        self._term_ids: dict[str, int] = {}
        self._documents: dict[int, _Counted] = {}
        self._layout: _Layout | None = None
        # Keys that were added, and keys that went or changed, since that layout.
        self._added: set[int] = set()
        self._gone: set[int] = set()
        self._added_layout: _Layout | None = None

    def __len__(self) -> int:
        return len(self._documents)

    def add(self, keys: Sequence[int], texts: Sequence[str]) -> None:
        """Count documents; a key that is already there is counted anew."""
        self.add_fitted(keys, fit_texts(texts))

    def add_fitted(self, keys: Sequence[int], fitted: FittedTexts) -> None:
        """Take in documents that are counted already."""
        counted = zip(keys, fitted.frequencies, fitted.lengths, strict=True)
        for key, frequencies, length in counted:
            self._let_go(key)
            self._added.add(key)
            ids = [self._term_id(term) for term in frequencies]
            counts = np.fromiter(frequencies.values(), dtype=np.int64)
            self._documents[key] = _Counted(
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
        self._added_layout = None
        if self._documents.pop(key, None) is None:
            return
        if key in self._added:
            self._added.remove(key)
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

    def _laid_out(self) -> tuple[_Layout, _Layout | None]:
        if self._layout is None or not self._fits_beside(self._layout):
            self._layout = _lay_out(self._documents, len(self._term_ids))
            self._added, self._gone, self._added_layout = set(), set(), None
        elif self._added and self._added_layout is None:
            added = {key: self._documents[key] for key in self._added}
            self._added_layout = _lay_out(added, len(self._term_ids), self._layout)
        return self._layout, self._added_layout

    def _fits_beside(self, layout: _Layout) -> bool:
        n_changed = len(self._added) + len(self._gone)
        if not n_changed:
            return True
        if len(layout.keys) < _LARGE or n_changed > _DRIFT * len(layout.keys):
            return False
        # Both layouts' keys together are ascending.
        return not self._added or min(self._added) > layout.keys[-1]


def _lay_out(
    documents: Mapping[int, _Counted], n_terms: int, beside: _Layout | None = None
) -> _Layout:
    """Lay out documents, by their own statistics or by those of another layout."""
    keys = np.array(sorted(documents), dtype=np.int64)
    rows = [documents[key] for key in keys.tolist()]
    n_holding = np.zeros(n_terms)
    for block in _blocks(rows):
        n_holding += np.bincount(_join_terms(block), minlength=n_terms)
    lengths = [row.length for row in rows]
    n_documents, mean_length = len(keys), float(np.mean(lengths)) if rows else 1.0
    if beside is not None:
        n_documents, mean_length = beside.n_documents, beside.mean_length
    idf = _idf(n_documents, n_holding)
    is_common = n_holding > _COMMON * len(keys)
    if beside is not None:
        idf[: len(beside.idf)] = beside.idf
        # So few documents are added up quickly either way.
        is_common[:] = False
    terms = _join_terms(rows)
    sizes = [len(row.terms) for row in rows]
    # Places and terms in 32 bits: half of a large index is made of them.
    places = np.repeat(np.arange(len(rows), dtype=np.int32), sizes)
    values = np.concatenate(
        [_NO_VALUES, *(_weigh(block, idf, mean_length) for block in _blocks(rows))]
    )
    in_common = is_common[terms]
    common_terms = np.flatnonzero(is_common)
    common = np.zeros((len(common_terms), len(rows)), dtype=np.float32)
    row_of_term = np.cumsum(is_common) - 1
    common[row_of_term[terms[in_common]], places[in_common]] = values[in_common]
    rare = ~in_common
    return _Layout(
        keys=keys,
        by_term=coo_array(
            (values[rare], (places[rare], terms[rare])), shape=(len(rows), n_terms)
        ).tocsc(),
        common=common,
        row_of_common={term: row for row, term in enumerate(common_terms.tolist())},
        idf=idf,
        n_documents=n_documents,
        mean_length=mean_length,
    )


def _weigh(
    rows: Sequence[_Counted], idf: NDArray[np.float64], mean_length: float
) -> NDArray[np.float32]:
    """Score each term in each document, one after the other.

    score(t, d) = idf(t) * f * (k1 + 1) / (f + k1 * (1 - b + b * |d| / avgdl))
    """
    # Documents without a single word have no terms, so their norm is never used.
    relative = np.array([row.length for row in rows]) / max(mean_length, 1.0)
    norms = np.repeat(_K1 * (1 - _B + _B * relative), [len(row.terms) for row in rows])
    counts = np.concatenate([row.counts for row in rows]).astype(np.float64)
    values = idf[_join_terms(rows)] * counts * (_K1 + 1) / (counts + norms)
    return values.astype(np.float32)


def _join_terms(rows: Sequence[_Counted]) -> NDArray[np.int32]:
    return np.concatenate([_NO_TERMS, *(row.terms for row in rows)])


def _blocks(rows: Sequence[_Counted]) -> Iterator[Sequence[_Counted]]:
    """Cut into blocks whose arithmetic in double precision takes little memory."""
    return (rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK))
