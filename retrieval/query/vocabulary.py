"""Holds the words of one tenant's texts, and finds those that are like another word."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from itertools import pairwise
from math import log

from rapidfuzz import process
from rapidfuzz.distance import OSA

from retrieval.data.loading import load_groups, load_rows
from retrieval.query.colloquial import COLLOQUIAL
from retrieval.query.letters import (
    fold_letters,
    is_persian_word,
    latin_skeletons,
    persian_skeleton,
)
from retrieval.query.verb_forms import verb_forms
from retrieval.query.written_words import load_written_words
from retrieval.text.language import STOP_WORDS
from retrieval.text.normalise import normalise, normalise_mildly

_ZWNJ = "\u200c"
_TOKEN = re.compile(rf"[^\W_]+(?:{_ZWNJ}[^\W_]+)*")
KINDS = (
    *("function", "question", "verb", "noun", "adjective", "greeting", "day"),
    *("month", "city", "colour", "unit", "money", "number", "name"),
)
# Plural, possession, indefiniteness, degree, copula, object: longest first.
_ENDINGS_BY_LENGTH = """
    هایتان هایشان هایمان هایی هایم هایت هایش هاتون هاشون هامون ترین های هام هات هاش
    ها تون شون مون تان شان مان ند ید یم ان اند تر یی یه ای ام ات اش ست رو م ت ش ی و ه
    ا ن س
"""
ENDINGS = (*_ENDINGS_BY_LENGTH.split(),)
_PROGRESSIVE = ("می", "نمی")
_VERB_PREFIXES = (*_PROGRESSIVE, "", "ن", "ب")
_OWNERS = frozenset(("م", "ت", "ش", "تون", "مون", "شون"))
# آماده + است is said آمادس and آمادست: these follow a vowel.
_AFTER_VOWEL = frozenset(("س", "ست"))
_SHORTEST_STEM = 3
# Of two letters, only what these endings leave is a word: کدها, کدیه, but not کدو.
_LONG_BY_LENGTH = "ها های هاش هاتون هاشون هایی تون شون مون یه"
_LONG_ENDINGS = frozenset(_LONG_BY_LENGTH.split())
_DEEPEST = 2  # endings on one another: قیمت + ا + شون
# Long words may have two errors, of which one part of three is free.
LONG_WORD = 7
_SHORTEST_IN_PARTS = 5
# Shares of all written words. What is rarer may be an error that many people make. What
# bears endings is more frequent: with foreign names, too many errors would be words, as
# دیویست would be "your Davis".
_SPELLED = 2e-6
_BEARS_ENDINGS = 1e-5
# Of two letters, most are pieces of words that were torn apart: ار of «ار سال».
_SHORTEST_WRITTEN = 3
_MOST_NEAR = 48
_MOST_SOUNDING = 40
_REMEMBERED_WORDS = 16_384


class WordIndex:
    """Words by their letters' sounds, by parts of them, and by their consonants.

    A word with one error keeps one of two halves, and one with two errors one of three
    parts, near where it was (Li, Deng, Wang & Feng 2011, "Pass-Join"): only the words
    that share it are compared letter by letter.
    """

    def __init__(self, most_edits: int = 2) -> None:
        self._has_thirds = most_edits > 1
        self._by_sound: defaultdict[str, list[str]] = defaultdict(list)
        self._by_part: defaultdict[tuple[int, int, str], list[str]] = defaultdict(list)
        self._by_skeleton: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, word: str) -> None:
        """Take in a folded Persian word that is not there yet."""
        sound = fold_letters(word)
        words = self._by_sound[sound]
        words.append(word)
        self._by_skeleton[persian_skeleton(word)].append(word)
        if len(words) > 1:
            return
        length = len(sound)
        half = length // 2
        self._by_part[length, 0, sound[:half]].append(sound)
        self._by_part[length, 1, sound[half:]].append(sound)
        if self._has_thirds and length >= _SHORTEST_IN_PARTS:
            for part, (start, end) in enumerate(_thirds(length), start=2):
                self._by_part[length, part, sound[start:end]].append(sound)

    def near(self, word: str, edits: int) -> list[tuple[str, int]]:
        """List the words at most so many edits away, with their number, nearest first.

        `edits` is 1, or 2 for a word of seven letters and more: what is two edits away
        is listed if nothing is nearer. A letter more, less or another is one edit, and
        so are two letters that changed places. Letters of one sound or of one key of an
        Arabic keyboard are the same.
        """
        nearest = self._within(fold_letters(word), 1)
        if edits == 1 or nearest or not self._has_thirds:
            return nearest
        return self._within(fold_letters(word), edits)

    def _within(self, sound: str, edits: int) -> list[tuple[str, int]]:
        parts = self._halves(sound) if edits == 1 else self._thirds(sound)
        sounds = {found for key in parts for found in self._by_part.get(key, ())}
        # Swapped letters in the middle break both halves.
        for at in range(len(sound) - 1):
            swapped = f"{sound[:at]}{sound[at + 1]}{sound[at]}{sound[at + 2 :]}"
            if swapped in self._by_sound:
                sounds.add(swapped)
        ranked = process.extract(
            sound, sounds, scorer=OSA.distance, score_cutoff=edits, limit=_MOST_NEAR
        )
        return [
            (near, int(distance))
            for found, distance, _ in ranked
            for near in self._by_sound[found]
        ]

    def sounding(self, latin: str) -> Iterator[str]:
        """Yield the words with the consonants of a word in Latin letters."""
        for skeleton in latin_skeletons(latin):
            yield from self._by_skeleton.get(skeleton, ())

    def _halves(self, sound: str) -> Iterator[tuple[int, int, str]]:
        length = len(sound)
        for other in range(max(2, length - 1), length + 2):
            half = other // 2
            yield other, 0, sound[:half]
            yield other, 1, sound[-(other - half) :]

    def _thirds(self, sound: str) -> Iterator[tuple[int, int, str]]:
        length = len(sound)
        for other in range(length - 2, length + 3):
            for part, (start, end) in enumerate(_thirds(other), start=2):
                size = end - start
                for at in range(max(0, start - 2), min(length - size, start + 2) + 1):
                    yield other, part, sound[at : at + size]


@lru_cache(maxsize=64)
def _thirds(length: int) -> tuple[tuple[int, int], ...]:
    cuts = (0, length // 3, 2 * length // 3, length)
    return (*pairwise(cuts),)


class CommonWords:
    """The words of Persian-speaking customers everywhere, whatever a shop sells."""

    def __init__(self) -> None:
        groups = load_groups("spelling/common_words.tsv", KINDS)
        related = (
            *load_rows("meaning/synonyms.tsv"),
            *load_rows("meaning/related.tsv"),
        )
        listed = {word for words in groups.values() for word in words}
        listed.update(word for row in related for word in row)
        spelled = load_groups(
            "spelling/words.tsv", ("noun", "adjective", "adverb", "fixed")
        )
        listed.update(*(spelled[kind] for kind in ("noun", "adjective", "adverb")))
        listed.update(COLLOQUIAL, COLLOQUIAL.values())
        listed.update(STOP_WORDS)
        self.surfaces: dict[str, str] = {}
        self.index = WordIndex(most_edits=1)
        for word in sorted(listed, key=lambda word: (_ZWNJ not in word, word)):
            for part in normalise_mildly(word).split():
                self._add(part)
        self.guessed = frozenset(verb_forms() - self.surfaces.keys())
        """Forms that were made by rule, and that nobody listed."""
        for verb in sorted(self.guessed):
            self._add(verb)
        self._take_written(normalise(word) for word in spelled["fixed"])
        functions = groups["function"] | groups["question"]
        self.functions = frozenset(normalise(word) for word in functions)

    def _take_written(self, names: Iterable[str]) -> None:
        words = {
            word: frequency
            for word, frequency in load_written_words().items()
            if word not in self.surfaces
        }
        self._written: defaultdict[str, list[str]] = defaultdict(list)
        for word in words:
            self._written[persian_skeleton(word)].append(word)
        spelled = {
            word: frequency
            for word, frequency in words.items()
            if frequency >= _SPELLED and len(word) >= _SHORTEST_WRITTEN
        } | dict.fromkeys(names, 1.0)
        self.dictionary = frozenset(spelled)
        """Words that are spelled well, and that nothing is mended to."""
        self.stems = frozenset(
            word for word, frequency in spelled.items() if frequency >= _BEARS_ENDINGS
        )
        """Those of the dictionary that bear endings."""

    def written_sounding(self, latin: str) -> Iterator[str]:
        """Yield the words of written Persian with the consonants of a Latin word."""
        for skeleton in latin_skeletons(latin):
            yield from self._written.get(skeleton, ())

    def _add(self, part: str) -> None:
        word = normalise(part)
        if word not in self.surfaces and is_persian_word(word):
            self.surfaces[word] = part
            self.index.add(word)


@cache
def common_words() -> CommonWords:
    """Load the common words once: half a second at most, and some thirty megabytes."""
    return CommonWords()


class Vocabulary:
    """The words of one tenant's texts, and how many of the texts have each.

    Words are asked for in any spelling that `normalise` folds. `add` and `remove` keep
    it in step with the texts. It is not safe to change while another thread reads.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts = 0
        self._counts: Counter[str] = Counter()
        self._surfaces: dict[str, str] = {}
        self._indexed: set[str] = set()
        self._folded: dict[str, tuple[str, ...]] = {}
        self._index = WordIndex()
        self._known: dict[str, bool] = {}
        self.common = common_words()
        self._take(texts, 1)

    def add(self, text: str) -> None:
        """Count the words of one more text."""
        self._take((text,), 1)

    def remove(self, text: str) -> None:
        """Take back what `add` counted for a text."""
        self._take((text,), -1)

    def __contains__(self, word: object) -> bool:
        """Tell whether the tenant's texts have a word as it stands."""
        return isinstance(word, str) and self._counts[normalise(word)] > 0

    def __len__(self) -> int:
        return sum(count > 0 for count in self._counts.values())

    def count(self, word: str) -> int:
        """Count the texts that have a word."""
        return self._counts[normalise(word)]

    def rarity(self, word: str) -> float:
        """Weigh a word by how few texts have it: BM25's ln(1 + (N-n+½)/(n+½))."""
        count = min(self.count(word), self._texts)
        return log(1 + (self._texts - count + 0.5) / (count + 0.5))

    def surface(self, word: str) -> str:
        """Write a folded word as the texts do, with half-spaces: کله‌قوچی."""
        return self._surfaces.get(word) or self.common.surfaces.get(word, word)

    def lists(self, word: str) -> bool:
        """Tell whether the texts or the common words have a folded word as it is."""
        return self._counts[word] > 0 or word in self.common.surfaces

    def spells(self, word: str) -> bool:
        """Tell whether a folded word stands anywhere, in the dictionary too."""
        return self.lists(word) or word in self.common.dictionary

    def stems(self, word: str) -> tuple[str, ...]:
        """List the listed words that a folded word is made of by endings."""
        return tuple(stem for stem, _ in split_endings(word) if self.lists(stem))

    def known(self, word: str) -> bool:
        """Tell whether a word is listed, or made of a listed one by endings.

        What has no Persian letters, or a digit, counts as known: it is never mended.
        """
        known = self._known.get(word)
        if known is None:
            folded = normalise(word)
            known = (
                not is_persian_word(folded)
                or self.spells(folded)
                or any(self._bears(*split) for split in split_endings(folded))
                or self._is_verb(folded)
            )
            if len(self._known) < _REMEMBERED_WORDS:
                self._known[word] = known
        return known

    def _bears(self, stem: str, ending: str) -> bool:
        """Tell whether a stem bears an ending; only customers' words bear several."""
        is_written = stem in self.common.stems and ending in ENDINGS
        return is_written or self.lists(stem)

    def _is_verb(self, word: str) -> bool:
        """Tell whether a word is a form of a verb whose infinitive is a word.

        By hand: نمی‌پذیرفتند has the stem پذیرفت, of پذیرفتن.
        """
        for prefix in _VERB_PREFIXES:
            if not word.startswith(prefix):
                continue
            rest = word.removeprefix(prefix)
            for stem in (rest, *(stem for stem, _ in split_endings(rest))):
                if stem.endswith(("ت", "د")) and self.spells(f"{stem}ن"):
                    return True
                if prefix in _PROGRESSIVE and stem != rest and self.spells(stem):
                    return True
        return False

    def near(self, word: str, edits: int) -> tuple[tuple[str, int], ...]:
        """List the listed words near a folded one with their edits: `WordIndex`."""
        own = [hit for hit in self._index.near(word, edits) if self._counts[hit[0]] > 0]
        return (*dict(own + self.common.index.near(word, edits)).items(),)

    def sounding(self, latin: str) -> tuple[str, ...]:
        """List the listed words with the consonants of a Latin word, the own first."""
        own = (w for w in self._index.sounding(latin) if self._counts[w] > 0)
        common = self.common
        others = (common.index.sounding(latin), common.written_sounding(latin))
        words = dict.fromkeys((*own, *others[0], *others[1]))
        # Words of like length come first: one consonant is that of a hundred words.
        ranked = sorted(words, key=lambda word: abs(len(word) - 0.7 * len(latin)))
        return (*ranked[:_MOST_SOUNDING],)

    def _take(self, texts: Iterable[str], sign: int) -> None:
        tokens: Counter[str] = Counter()
        for text in texts:
            tokens.update(set(_TOKEN.findall(normalise_mildly(text))))
            self._texts += sign
        for token, count in tokens.items():
            words = self._folded.get(token)
            if words is None:
                words = self._folded[token] = self._fold(token)
            for word in words:
                self._counts[word] += sign * count
        self._known.clear()

    def _fold(self, token: str) -> tuple[str, ...]:
        """Read a token as a whole and, where half-spaces part it, as its parts."""
        whole = normalise(token)
        parts = token.split(_ZWNJ) if _ZWNJ in token else []
        if parts and normalise("".join(parts)) != whole:
            token = parts[0]  # هزینه‌ی is هزینه, with what speech puts behind it
        spelled = {whole: token} | {normalise(part): part for part in parts}
        spelled.pop("", None)
        for word, surface in spelled.items():
            # The spelling with half-spaces tells more than the one without.
            if word not in self._surfaces or (_ZWNJ in surface and word == whole):
                self._surfaces[word] = surface
            if word not in self._indexed and is_persian_word(word):
                self._indexed.add(word)
                self._index.add(word)
        return (*spelled,)


@lru_cache(maxsize=_REMEMBERED_WORDS)
def split_endings(word: str) -> tuple[tuple[str, str], ...]:
    """List the stems a folded word may have, with the endings that were cut off.

    By hand: `قیمتاشون` may be قیمتا + شون, and قیمت + اشون; `صفحش` is صفحه + ش too.
    """
    found: dict[str, str] = {}
    waiting = [(word, "", 0)]
    while waiting:
        whole, cut, depth = waiting.pop(0)
        for ending in ENDINGS:
            stem = whole.removesuffix(ending)
            shortest = _SHORTEST_STEM - (ending in _LONG_ENDINGS)
            if stem == whole or len(stem) < shortest:
                continue
            if ending in _OWNERS | _AFTER_VOWEL and not stem.endswith("ه"):
                found.setdefault(f"{stem}ه", ending + cut)
            if ending in _AFTER_VOWEL and stem[-1] not in "اوه":
                continue
            found.setdefault(stem, ending + cut)
            if depth + 1 < _DEEPEST:
                waiting.append((stem, ending + cut, depth + 1))
    return (*found.items(),)
