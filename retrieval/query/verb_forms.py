"""Makes the forms of the listed verbs, spoken and written, that customers may write."""

from collections.abc import Iterator
from itertools import product

from retrieval.data.loading import load_rows
from retrieval.text.normalise import normalise

_PRESENT_ENDINGS = ("", "م", "ی", "ه", "د", "یم", "ید", "ین", "ند", "ن")
_PAST_ENDINGS = ("", "م", "ی", "یم", "ید", "ین", "ند", "ن", "ه")
_PREFIXES = {
    "present": ("می", "نمی", "ب", "ن"),
    "bare": ("", "می", "نمی", "ب", "ن"),
    "compound": ("بر", "برمی", "برنمی", "برن", "درمی", "درنمی"),
    "past": ("", "ن", "می", "نمی"),
}
_SHORTEST_FORM = 4


def verb_forms() -> frozenset[str]:
    """Write every form of at least four letters, folded, without half-spaces."""
    forms = (
        form for row in load_rows("speech/verbs.tsv", columns=3) for form in _forms(row)
    )
    return frozenset(form for form in forms if len(form) >= _SHORTEST_FORM)


def _apart(stem: str, endings: tuple[str, ...]) -> Iterator[str]:
    """Put می and ن behind the first part of a compound: برگشت is برنگشت."""
    first, rest = stem[:2], stem[2:]
    if first in ("بر", "در") and len(rest) > 1:
        for inner, ending in product(("ن", "می", "نمی"), endings):
            yield f"{first}{inner}{rest}{ending}"


def _forms(row: tuple[str, ...]) -> Iterator[str]:
    kind, *stems = row
    endings = _PAST_ENDINGS if kind == "past" else _PRESENT_ENDINGS
    folded = [normalise(stem) for stem in stems]
    if kind == "past":
        yield from _apart(folded[-1], endings)
    for stem, prefix, ending in product(folded, _PREFIXES[kind], endings):
        glide = "ی" if prefix in ("ب", "ن") and stem.startswith("ا") else ""
        if not ending and kind != "past" and prefix.endswith("می"):
            continue  # only the imperative has no ending: بنویس
        yield f"{prefix}{glide}{stem}{ending}"
        if glide and len(stem) > 1:
            yield f"{prefix}{glide}{stem[1:]}{ending}"  # نیفت, بینداز
