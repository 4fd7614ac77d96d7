"""Rewrites spoken Persian as written Persian, word by word: nouns, verbs, endings."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain

from retrieval.data.loading import load_groups, load_pairs, load_rows
from retrieval.text.normalise import normalise_mildly

_ZWNJ = "\u200c"
# These letters join none that follows, so nothing keeps them apart.
_NOT_JOINING = "اآدذرزژو"
# آسمان is آسمون and خانه is خونه; but کامل is no کومل, and شام no شوم.
_SPOKEN_VOWEL = re.compile("(.+)ا(?=ن|(?<=..ا)م$)")
_LISTED = load_groups("spelling/words.tsv", ("noun", "adjective", "adverb", "fixed"))


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


COLLOQUIAL = {
    bare(spoken): w for spoken, w in load_pairs("speech/colloquial.tsv").items()
}
"""Spoken words that no rule makes, and how they are written."""

_SYNONYMS = chain(*load_rows("meaning/synonyms.tsv"), *load_rows("meaning/related.tsv"))
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
_NOUN_ENDINGS = re.compile(
    r"(?P<degree>ترین|تر)?(?P<one>ای|ی(?!ن))?(?P<many>ها|ا)?"
    r"(?P<owner>تون|مون|شون|م|ت|ش)?(?P<tail>و|رو|ه|ست|س|ین|ن)?"
)
# A thing that is not listed has an owner of several letters, or one that is an object.
_UNLISTED = re.compile(
    r"(?P<thing>\w{3,}?)(?P<many>ها|های)?(?P<owner>تون|مون|شون)(?P<tail>و|رو)?"
    r"|(?P<object>\w{3,}[مش])و"
)
_PLURAL = re.compile(r"\w{2,}های")
_SHORTEST_UNLISTED = 5
_SHORTEST_BASE = 3


def written_noun(word: str) -> str | None:
    """Write a listed word without its spoken endings; None if nothing is known of it.

    `word` has no half-space. By hand: کارتونو is کارتون + و, so کارتون را.
    """
    if word in _HEARD:
        return _HEARD[word]
    if _PLURAL.fullmatch(word) and word[: -len("های")] in WORDS:
        return None  # برگهای is "leaves of", and no برگه‌ای
    # The longest base first: کارتون is no کار + تون.
    for cut in range(len(word) - 1, 1, -1):
        endings = _NOUN_ENDINGS.fullmatch(word, cut)
        if endings is not None:
            written = _listed(word[:cut], endings.groupdict(""))
            if written is not None:
                return written
    return None


def _listed(base: str, endings: dict[str, str]) -> str | None:
    is_short = len(base) < _SHORTEST_BASE
    if is_short and endings["many"] != "ها" and endings["owner"] not in _OWNERS:
        return None
    # شدیدا is an adverb; کوچیکا can only be "the small ones".
    is_adverb = endings["many"] == "ا" and not endings["owner"] and base[-1] != "ی"
    if base in _ADJECTIVES and is_adverb and base == bare(_ADJECTIVES[base]):
        return None
    if base in _ADJECTIVES and _fits_adjective(_ADJECTIVES[base], endings):
        return _render(_ADJECTIVES[base], endings)
    if base in _NOUNS and _fits_noun(_NOUNS[base], endings):
        return _render(_NOUNS[base], endings)
    # Speech drops a silent he: صفحش is صفحه + ش, آمادس is آماده + س.
    whole = f"{base}ه"
    if is_short or endings["degree"] or endings["one"] or endings["many"]:
        return None
    if not _has_silent_he(whole):
        return None  # سیاست is no سیاه, کلام no کلاه
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
    if one == "ای" and base[-2] in _NOT_JOINING:
        return False  # دورهای is دور + های
    if one == "ی" and last == "ا":
        return False  # سرمایه is no سرما
    if many == "ا" and endings["tail"] == "ن":
        return False  # جوانان are "the young"
    if owner == "ت" and endings["tail"] == "ه":
        return False  # فرشته is an angel
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


_KINDS = ("present", "bare", "compound", "past")
_STEMS: dict[str, dict[str, str]] = {kind: {} for kind in _KINDS}
for _kind, _spoken, _written in load_rows("speech/verbs.tsv", columns=3):
    _STEMS[_kind][_spoken] = _written
_PROGRESSIVE = ("present", "past")
# Spoken prefix: how it is written, and the kinds of stems that take it.
_PREFIXES = {
    "نمی": ("نمی\u200c", _PROGRESSIVE),
    "می": ("می\u200c", _PROGRESSIVE),
    "برنمی": ("برنمی\u200c", _PROGRESSIVE),
    "برمی": ("برمی\u200c", _PROGRESSIVE),
    "درنمی": ("درنمی\u200c", _PROGRESSIVE),
    "درمی": ("درمی\u200c", _PROGRESSIVE),
    "ورنمی": ("برنمی\u200c", _PROGRESSIVE),
    "ورمی": ("برمی\u200c", _PROGRESSIVE),
    "برن": ("برن", ("compound",)),
    "درب": ("درب", ("compound",)),
    "درن": ("درن", ("compound",)),
    "ورن": ("برن", ("compound",)),
    "بر": ("بر", ("compound",)),
    "ور": ("بر", ("compound",)),
    "ب": ("ب", ("present",)),
    "ن": ("ن", ("present", "bare", "past")),
    "": ("", ("bare", "past")),
}
# Longest first: میگین is گ + ین, and not گی + ن.
_VERB_ENDINGS = {
    "ین": "ید",
    "ید": "ید",
    "یم": "یم",
    "ند": "ند",
    "ن": "ند",
    "م": "م",
    "ی": "ی",
    "ه": "د",
    "د": "د",
    "": "",
}
_OBJECTS = {"شون": "شان", "تون": "تان", "مون": "مان", "ش": "ش"}
# A shorter imperative is mostly another word, as بده is.
_SHORTEST_IMPERATIVE = 3


def written_verb(word: str) -> str | None:
    """Write a spoken verb as documents do; None if it is no verb that is known.

    `word` has no half-space. By hand: میشه is می + ش + ه, so می‌شود.
    """
    return next(_verb_readings(word), None)


def written_verb_with_object(word: str) -> str | None:
    """Write a spoken verb whose object is its ending: نمیخوامش is نمی‌خواهمش."""
    for spoken, written in _OBJECTS.items():
        verb = (
            written_verb(word.removesuffix(spoken)) if word.endswith(spoken) else None
        )
        if verb is not None:
            return verb + written
    return None


def _verb_readings(word: str) -> Iterator[str]:
    for spoken_prefix, (prefix, kinds) in _PREFIXES.items():
        rest = word.removeprefix(spoken_prefix)
        if rest == word and spoken_prefix:
            continue
        for spoken_ending, ending in _VERB_ENDINGS.items():
            spoken = rest.removesuffix(spoken_ending)
            if spoken == rest and spoken_ending:
                continue
            for kind in kinds:
                stem = _STEMS[kind].get(spoken)
                if stem is None:
                    continue
                if kind == "past":
                    end = _past_ending(prefix, spoken != stem, spoken_ending)
                    yield _join(prefix, stem) + end
                elif _may_end(prefix, spoken, stem, spoken_ending):
                    yield _join(prefix, stem) + ending


def _past_ending(prefix: str, is_spoken: bool, ending: str) -> str:
    if ending == "ه":
        return "ه"
    # شدن may be the infinitive, میشدن and اومدن are "they".
    if ending == "ن" and not is_spoken and not prefix.endswith("\u200c"):
        return "ن"
    return _VERB_ENDINGS[ending]


def _may_end(prefix: str, spoken: str, stem: str, ending: str) -> bool:
    """Tell whether a present stem takes an ending; a vowel at its end decides."""
    is_bare = not prefix.endswith("\u200c")
    ends_in_vowel = spoken.endswith("ا")
    if is_bare and spoken.startswith("ا"):
        return False  # بیارم, not بارم; نام is a name
    if ending in ("د", "ند"):  # میخواد, but میخواند is خوان + د
        return spoken == stem or (ending == "د" and ends_in_vowel)
    if not ending:
        is_imperative = is_bare and prefix != "" and spoken != stem
        return is_imperative and len(spoken) >= _SHORTEST_IMPERATIVE
    return not (ending == "ه" and ends_in_vowel)


def _join(prefix: str, stem: str) -> str:
    """Put a glide between ب or ن and a vowel: ب + آور is بیاور, ن + افت is نیفت."""
    if prefix.endswith(("ب", "ن")) and stem[0] in "آا":
        glide = "یا" if stem[0] == "آ" else "ی"
        return f"{prefix}{glide}{stem[1:]}"
    return prefix + stem


# Written words that only their neighbours tell from spoken ones: ضد شوره, but این شوره.
_KEPT = r"""
    ضد[ \u200c]+(?:شوره|کنه)
    | شوره(?=[ ]+(?:سر|مو|دار|می|گرفت))
    | اصله(?=[ ]+(?:نهال|درخت))
    | (?:گوشت|ران|ماهیچه|دنده|گردن|کباب)[ ]+بره
    | بدین(?=[ ]+(?:ترتیب|سان|معن|منظور|وسیله|گونه|جهت|خاطر|دلیل|صورت|شکل|شرح|طریق))
    | (?:قرن|سده)[ ]+یکم
    | فک(?![ ]+(?:ن?می|ن?کن|کرد))  # the jaw; without "I do", it is no thought
"""
# Many write می apart from its verb.
_ANY = r"(?P<prefix>(?<!\w)ن?می[ ]+)?(?P<word>[\w\u200c]+)"
_WORD = re.compile(rf"(?<!\w)(?P<kept>{_KEPT})(?![\w\u200c])|{_ANY}", re.VERBOSE)
# No Persian word has a letter three times in a row: لطفاااا is لطفا.
_STRETCHED = re.compile(r"([\u0621-\u06cc])\1{2,}")
_READINGS = (
    written_verb,
    written_noun,
    written_verb_with_object,
    written_unlisted_noun,
)
_VERB_PREFIXES = ("می", "نمی", "برمی", "درمی", "برنمی", "درنمی")
# Endings as documents write them, after a half-space.
_WRITTEN_ENDING = re.compile(
    "(?:ها(?:ی(?:م|ت|ش|ی|مان|تان|شان)?)?|ترین|تری?|ای|ا[مش]|ات|اند?|است)"
)
_SPOKEN_OWNER = re.compile("[متش](?:و|رو|ه)?")
_SHORTEST_HEAD = 3
# People use few words, and each is asked for several times in a question.
_REMEMBERED_WORDS = 8_192


def write_formally(text: str) -> str:
    """Spell a spoken question as a document would; what is written stays as it is.

    By hand: `پستتون چنده؟` becomes `پست شما چقدر است؟`. Idempotent for most words, and
    never used as what a person reads.
    """
    return _WORD.sub(_write_match, normalise_mildly(text))


def _write_match(match: re.Match[str]) -> str:
    if match["kept"] is not None:
        return match["kept"]
    prefix, word = match["prefix"], match["word"]
    if prefix is None:
        return _write_word(word)
    return written_verb(bare(prefix.strip() + word)) or prefix + _write_word(word)


@lru_cache(maxsize=_REMEMBERED_WORDS)
def _write_word(spoken: str) -> str:
    spoken = _STRETCHED.sub(r"\1", spoken)
    word = bare(spoken)
    written = _read(word)
    if word == spoken or word in COLLOQUIAL:
        return written or spoken
    # Half-spaces are put with care: what reads across them is misread.
    head, tail = spoken.rsplit(_ZWNJ, 1)
    if _WRITTEN_ENDING.fullmatch(tail) and len(head) >= _SHORTEST_HEAD:
        known = COLLOQUIAL.get(bare(head)) or WORDS.get(bare(head)) or head
        return spoken if bare(known) == bare(head) else f"{known}{_ZWNJ}{tail}"
    if written is None or bare(written) == word:
        return spoken
    return written if _is_kept_apart(spoken, written) else spoken


def _is_kept_apart(spoken: str, written: str) -> bool:
    """Tell whether a word is written with what stands before its first half-space."""
    head, tail = spoken.split(_ZWNJ, 1)
    if head in _VERB_PREFIXES:
        return True
    for beginning in (head, _write_word(head)):
        if written.startswith(beginning):
            following = written[len(beginning) : len(beginning) + 1]
            return not following.isalpha() or bool(_SPOKEN_OWNER.fullmatch(tail))
    return False


def _read(word: str) -> str | None:
    if word in COLLOQUIAL:
        return COLLOQUIAL[word]
    # A listed word comes first: نمونه is a sample, and no negated verb.
    if word in WORDS:
        return WORDS[word]
    readings = (reading(word) for reading in _READINGS)
    return next((written for written in readings if written is not None), None)
