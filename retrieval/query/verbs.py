"""Reads spoken Persian verbs: prefix, stem and ending."""

from collections.abc import Iterator

from retrieval.data.loading import load_rows

_KINDS = ("present", "bare", "compound", "past")
_STEMS: dict[str, dict[str, str]] = {kind: {} for kind in _KINDS}
for _kind, _spoken, _written in load_rows("verbs.tsv", columns=3):
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
_ENDINGS = {
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
    return next(_readings(word), None)


def written_verb_with_object(word: str) -> str | None:
    """Write a spoken verb whose object is its ending: نمیخوامش is نمی‌خواهمش."""
    for spoken, written in _OBJECTS.items():
        verb = (
            written_verb(word.removesuffix(spoken)) if word.endswith(spoken) else None
        )
        if verb is not None:
            return verb + written
    return None


def _readings(word: str) -> Iterator[str]:
    for spoken_prefix, (prefix, kinds) in _PREFIXES.items():
        rest = word.removeprefix(spoken_prefix)
        if rest == word and spoken_prefix:
            continue
        for spoken_ending, ending in _ENDINGS.items():
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
    return _ENDINGS[ending]


def _may_end(prefix: str, spoken: str, stem: str, ending: str) -> bool:
    """Tell whether a present stem takes an ending; a vowel at its end decides."""
    is_bare = not prefix.endswith("\u200c")
    ends_in_vowel = spoken.endswith("ا")
    if is_bare and spoken.startswith("ا"):
        return False  # بیارم, not بارم; نام is a name
    if ending in ("د", "ند"):
        return spoken == stem or ends_in_vowel
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
