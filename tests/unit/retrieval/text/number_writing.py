"""Writes numbers in words, for tests that read them back."""

_ONES = [
    "یک",
    "دو",
    "سه",
    "چهار",
    "پنج",
    "شش",
    "هفت",
    "هشت",
    "نه",
    "ده",
    "یازده",
    "دوازده",
    "سیزده",
    "چهارده",
    "پانزده",
    "شانزده",
    "هفده",
    "هجده",
    "نوزده",
]
_TENS = ["بیست", "سی", "چهل", "پنجاه", "شصت", "هفتاد", "هشتاد", "نود"]
_HUNDREDS = ["صد", "دویست", "سیصد", "چهارصد", "پانصد", "ششصد", "هفتصد", "هشتصد", "نهصد"]
_EN_ONES = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_EN_TENS = [
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
]


def persian_words(value: int, joint: str = " و ") -> str:
    """Write a number from 1 to 999,999,999 as a Persian speaker says it."""
    parts: list[str] = []
    for scale, name in ((1_000_000, " میلیون"), (1000, " هزار"), (1, "")):
        below = value // scale % 1000
        if below:
            parts.append(joint.join(_persian_hundreds(below)) + name)
    return joint.join(parts)


def _persian_hundreds(value: int) -> list[str]:
    words = [_HUNDREDS[value // 100 - 1]] if value >= 100 else []
    rest = value % 100
    if rest >= 20:
        words.append(_TENS[rest // 10 - 2])
        rest %= 10
    return words + ([_ONES[rest - 1]] if rest else [])


def english_words(value: int) -> str:
    """Write a number from 1 to 999,999,999 in English."""
    parts: list[str] = []
    for scale, name in ((1_000_000, " million"), (1000, " thousand"), (1, "")):
        below = value // scale % 1000
        if below:
            parts.append(_english_hundreds(below) + name)
    return " ".join(parts)


def _english_hundreds(value: int) -> str:
    words = [f"{_EN_ONES[value // 100 - 1]} hundred"] if value >= 100 else []
    rest = value % 100
    if rest >= 20:
        ones = f"-{_EN_ONES[rest % 10 - 1]}" if rest % 10 else ""
        words.append(_EN_TENS[rest // 10 - 2] + ones)
    elif rest:
        words.append(_EN_ONES[rest - 1])
    return " and ".join(words)
