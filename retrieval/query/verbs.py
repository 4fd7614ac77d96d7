"""Colloquial Persian verbs, and the written forms that knowledge bases use."""

import re
from collections.abc import Iterable

_SAME_STEMS = """
    کن گیر خر زن بر بین پرس رس پوش شور دوز ساز فروش نویس فرست چین پز بند باز کش مال
    دار ریز خور خواب شناس شنو ترس افت پذیر پرداز فهم گرد گذر لرز سوز کار شکن چرخ پیچ
    بخش پسند جوش چسب رقص کوب
"""
# Spoken present stem: written stem. Written vowels that speech has swallowed return.
_STEMS = {
    "ش": "شو",
    "ر": "رو",
    "د": "ده",
    "گ": "گوی",
    "ا": "آی",
    "خوا": "خواه",
    "تون": "توان",
    "دون": "دان",
    "مون": "مان",
    "خون": "خوان",
    "رسون": "رسان",
    "گردون": "گردان",
    "چرخون": "چرخان",
    "چسبون": "چسبان",
    "پوشون": "پوشان",
    "سوزون": "سوزان",
    "خوابون": "خوابان",
    "ترسون": "ترسان",
    "کشون": "کشان",
    "فهمون": "فهمان",
    "شین": "نشین",
    "ذار": "گذار",
    "زار": "گذار",
    "ار": "آور",
    "یار": "آور",
    "یا": "آی",
    "گذرون": "گذران",
} | {stem: stem for stem in _SAME_STEMS.split()}
# Without "می" only longer stems are told from nouns: نام is not ن + ا + م.
_PREFIXES = {
    "می": "می\u200c",
    "نمی": "نمی\u200c",
    "برمی": "برمی\u200c",
    "برنمی": "برنمی\u200c",
    "درمی": "درمی\u200c",
    "درنمی": "درنمی\u200c",
    "ورمی": "برمی\u200c",
}
_ENDINGS = {
    "م": "م",
    "ی": "ی",
    "ه": "د",
    "یم": "یم",
    "ید": "ید",
    "ین": "ید",
    "ن": "ند",
}
_SPOKEN_ENDINGS = {"ه": "د", "ین": "ید"}
_NOT_VERBS = frozenset(["میان", "نمونه", "میانه", "بدانه", "بیانه", "نهاده"])


def _any_of(parts: Iterable[str]) -> str:
    return "|".join(sorted(parts, key=len, reverse=True))


_PRESENT = re.compile(f"({_any_of(_PREFIXES)})({_any_of(_STEMS)})({_any_of(_ENDINGS)})")
# "بپوشه" is spoken by its ending, "بخونم" by its stem.
_SUBJUNCTIVE = re.compile(
    f"([بن])({_any_of(stem for stem in _STEMS if len(stem) > 2)})"
    f"({_any_of(_SPOKEN_ENDINGS)})"
    f"|(بر|در|[بن])({_any_of(s for s, w in _STEMS.items() if len(s) > 2 and s != w)})"
    f"({_any_of(_ENDINGS)})"
)
# Past stems, whose second person is said with ین and written with ید.
_PAST = """
    دار هست بود شد کرد زد داد گرفت گفت رفت خرید فروخت فرستاد گذاشت خواست رسید برد
    دید شست دوخت نوشت پرسید پوشید باش آورد خورد ریخت بست پرداخت انداخت ساخت یافت
    شناخت توانست دانست برگشت گشت کشید پخت باخت
"""
_PAST_PLURAL = re.compile("(ن?(?:می)?(?:{}))ین".format("|".join(_PAST.split())))


def written_verb(word: str) -> str | None:
    """Write a spoken verb as it is written; None if it is no verb that is known.

    `word` has no half-space. By hand: میشه is می + ش + ه, so می‌شود.
    """
    if word in _NOT_VERBS:
        return None
    match = _PRESENT.fullmatch(word)
    if match is not None:
        prefix, stem, ending = match.groups()
        return _PREFIXES[prefix] + _STEMS[stem] + _ENDINGS[ending]
    match = _SUBJUNCTIVE.fullmatch(word)
    if match is not None:
        prefix, stem, ending = (part for part in match.groups() if part)
        return prefix + _STEMS[stem] + _ENDINGS[ending]
    match = _PAST_PLURAL.fullmatch(word)
    return None if match is None else f"{match[1]}ید"
