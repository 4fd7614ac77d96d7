"""Reads spoken endings of Persian nouns and adjectives."""

import re
from itertools import chain

from retrieval.data.loading import load_groups, load_pairs, load_rows

_ZWNJ = "\u200c"
# These letters join none that follows, so nothing keeps them apart.
_NOT_JOINING = "اآدذرزژو"
_SPOKEN_VOWEL = re.compile("(.+)ا(?=[نم])")
_LISTED = load_groups("words.tsv", ("noun", "adjective", "adverb", "fixed"))


def bare(word: str) -> str:
    """Write a word without half-spaces, as it is looked up."""
    return word.replace(_ZWNJ, "")


def _by_spelling(words: frozenset[str]) -> dict[str, str]:
    """Map every spelling of some words, spoken ones too, to the written one."""
    written = {bare(word): word for word in words}
    listed = {s: w for s, w in COLLOQUIAL.items() if bare(w) in written}
    return {_speak(word): word for word in words} | listed | written


def _speak(word: str) -> str:
    """Say the last ان or ام of a word as speech does: زعفران is زعفرون."""
    return _SPOKEN_VOWEL.sub(r"\1و", bare(word))


COLLOQUIAL = {bare(spoken): w for spoken, w in load_pairs("colloquial.tsv").items()}
"""Spoken words that no rule makes, and how they are written."""

_SYNONYMS = chain(*load_rows("synonyms.tsv"), *load_rows("related.tsv"))
# خونه is a synonym of its own right there, and here خانه.
_NOUNS = _by_spelling(frozenset(word for word in _SYNONYMS if " " not in word))
_NOUNS |= _by_spelling(_LISTED["noun"])
_ADJECTIVES = _by_spelling(_LISTED["adjective"])
# People write what they hear in اصلاً as اصلن.
_HEARD = {f"{word.removesuffix('ا')}ن": word for word in _LISTED["adverb"]}
WORDS = (
    _NOUNS | _ADJECTIVES | {bare(w): w for w in _LISTED["adverb"] | _LISTED["fixed"]}
)
"""Words that are never taken apart, and how they are written."""

_OWNERS = {"تون": "شما", "مون": "ما", "شون": "آن‌ها"}
_TAILS = {
    "و": " را",
    "رو": " را",
    "ه": " است",
    "س": " است",
    "ست": " است",
    "ن": " هستند",
    "ین": " هستید",
}
# By example: ارزون + ترین + ش, مدل + ی + ه, لباس + ا + تون + و.
_ENDINGS = re.compile(
    r"(?P<degree>ترین|تر)?(?P<one>ای|ی(?!ن))?(?P<many>ها|ا)?"
    r"(?P<owner>تون|مون|شون|م|ت|ش)?(?P<tail>و|رو|ه|ست|س|ین|ن)?"
)
# A thing that is not listed has an owner of several letters, or one that is an object.
_UNLISTED = re.compile(
    r"(?P<thing>\w{2,}?)(?P<many>ها|های)?(?P<owner>تون|مون|شون)(?P<tail>و|رو)?"
    r"|(?P<object>\w{3,}[مش])و"
)
_SHORTEST_UNLISTED = 5
_SHORTEST_BASE = 3


def written_noun(word: str) -> str | None:
    """Write a listed word without its spoken endings; None if nothing is known of it.

    `word` has no half-space. By hand: کارتونو is کارتون + و, so کارتون را.
    """
    if word in _HEARD:
        return _HEARD[word]
    # The longest base first: کارتون is no کار + تون.
    for cut in range(len(word) - 1, 1, -1):
        endings = _ENDINGS.fullmatch(word, cut)
        if endings is not None:
            written = _listed(word[:cut], endings.groupdict(""))
            if written is not None:
                return written
    return None


def _listed(base: str, endings: dict[str, str]) -> str | None:
    is_short = len(base) < _SHORTEST_BASE
    if is_short and endings["many"] != "ها" and endings["owner"] not in _OWNERS:
        return None
    if base in _ADJECTIVES and _fits_adjective(_ADJECTIVES[base], endings):
        return _render(_ADJECTIVES[base], endings)
    if base in _NOUNS and _fits_noun(_NOUNS[base], endings):
        return _render(_NOUNS[base], endings)
    # Speech drops a silent he: صفحش is صفحه + ش, آمادس is آماده + س.
    whole = f"{base}ه"
    if is_short or endings["degree"] or endings["one"] or endings["many"]:
        return None
    if endings["owner"] and whole in _NOUNS:
        return _render(_NOUNS[whole], endings)
    if endings["tail"] in ("س", "ست") and whole in _ADJECTIVES:
        return _render(_ADJECTIVES[whole], endings)
    return None


def _fits_adjective(base: str, endings: dict[str, str]) -> bool:
    tail, last = endings["tail"], base[-1]
    if tail in ("س", "ست") and not endings["degree"]:
        return last == "ا" or _has_silent_he(base)
    if tail == "ه" and not endings["degree"] and (last == "ا" or _has_silent_he(base)):
        return False
    return _fits(base, endings)


def _fits_noun(base: str, endings: dict[str, str]) -> bool:
    if endings["degree"] or endings["tail"] in ("س", "ست", "ن", "ین"):
        return False
    if endings["tail"] == "ه" and not (endings["one"] or endings["owner"]):
        return False  # کتابه may be "the book" and "is a book"
    return _fits(base, endings)


def _fits(base: str, endings: dict[str, str]) -> bool:
    one, many, owner = endings["one"], endings["many"], endings["owner"]
    last, is_silent = base[-1], _has_silent_he(base)
    if one and (many or owner or (one == "ای" and not is_silent)):
        return False
    if many == "ا" and (last in "او" or is_silent or owner == "ت"):
        return False  # سفارشات is no "your orders"
    if owner == "ت" and last == "ی":
        return False  # nor is کیفیت "your ..."
    bare_object = endings["tail"] == "و" and not owner
    return not (bare_object and (many or last in "او" or is_silent))


def _has_silent_he(word: str) -> bool:
    return word.endswith("ه") and not word.endswith("اه")  # بسته, but دستگاه


def _render(base: str, endings: dict[str, str]) -> str:
    text = base
    if endings["degree"]:
        text += _gap(text) + endings["degree"]
    if endings["one"]:
        text += (_gap(text) if _has_silent_he(text) else "") + endings["one"]
    if endings["many"]:
        text += f"{_gap(text)}ها"
    owner = endings["owner"]
    glide = "ی" if owner and text[-1] in "او" else ""
    if owner in _OWNERS:
        text += f"{glide} {_OWNERS[owner]}"
    elif owner:
        glide = f"{_ZWNJ}ا" if text[-1] == "ی" or _has_silent_he(text) else glide
        text += f"{glide}{owner}"
    return text + _TAILS.get(endings["tail"], "")


def _gap(text: str) -> str:
    return "" if text[-1] in _NOT_JOINING else _ZWNJ


def written_unlisted_noun(word: str) -> str | None:
    """Write any other word of which the ending leaves no doubt: پاساژتون."""
    match = _UNLISTED.fullmatch(word)
    if match is None or len(word) < _SHORTEST_UNLISTED:
        return None
    if match["object"] is not None:
        return f"{match['object']} را"
    stem = f"{match['thing']}{match['many'] or ''}{match['owner']}"
    if stem in WORDS:
        return f"{WORDS[stem]} را"
    many = "ها" if match["many"] else ""
    endings = {"degree": "", "one": "", "many": many, "owner": match["owner"]}
    return _render(match["thing"], endings | {"tail": match["tail"] or ""})
