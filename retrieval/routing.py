"""Analyses a question: its intent, which chooses sources, and its complexity."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.index.knowledge import SourceType
from retrieval.text.normalise import normalise
from retrieval.text.stopwords import content_words

# A shorter word begins too many others: «کی» would also be «کیف».
_SHORTEST_STEM = 4
# A question of this many content words, or of this many clauses, is as hard as it gets.
_MANY_WORDS = 12
_MANY_CLAUSES = 4
_CLAUSE = re.compile(r"[؟?!.؛;\n،,]+|\bو\b|\band\b|\bor\b|\bیا\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Intent:
    """A kind of question. Budgets are tokens; keywords are words or short phrases."""

    name: str
    keywords: tuple[str, ...]
    primary_source: SourceType
    secondary_sources: tuple[SourceType, ...]
    primary_budget: int
    secondary_budget: int


def _others(source: SourceType) -> tuple[SourceType, ...]:
    # No source is left out of any intent: a wrong guess must cost room in the prompt,
    # never the answer.
    return tuple(other for other in SourceType if other != source)


def _keywords(text: str) -> tuple[str, ...]:
    return tuple(keyword.strip() for keyword in text.split(","))


#: A question that no keyword speaks for.
GENERAL = Intent("general", (), SourceType.FAQ, _others(SourceType.FAQ), 800, 1200)
DEFAULT_INTENTS = (
    Intent(
        "product",
        _keywords(
            "قیمت, چنده, موجود, سایز, اندازه, رنگ, جنس, مدل, محصول, تخفیف, price, cost,"
            "stock, available, size, colour, color, material, model, product, discount"
        ),
        SourceType.PRODUCTS,
        _others(SourceType.PRODUCTS),
        1200,
        800,
    ),
    Intent(
        "order",
        _keywords(
            "ارسال, پست, پیک, تحویل, سفارش, مرسوله, کد رهگیری, پرداخت, مرجوع, پس دادن,"
            "تعویض, بازگشت, shipping, delivery, order, tracking, payment, return,"
            "refund, exchange"
        ),
        SourceType.FAQ,
        _others(SourceType.FAQ),
        1000,
        1000,
    ),
    Intent(
        "howto",
        _keywords(
            "راهنما, نصب, راه اندازی, تنظیم, آموزش, نحوه, طرز, شستشو, manual, install,"
            "set up, setup, guide, instructions"
        ),
        SourceType.MANUAL,
        _others(SourceType.MANUAL),
        1200,
        800,
    ),
    Intent(
        "contact",
        _keywords(
            "آدرس, نشانی, تلفن, شماره تماس, ساعت کاری, شعبه, درباره, address, phone,"
            "contact, opening hours, branch, about you"
        ),
        SourceType.WEBSITE,
        _others(SourceType.WEBSITE),
        800,
        1200,
    ),
    GENERAL,
)


class QueryRouter:
    """Finds a question's intent by a tenant's keywords.

    The intent with the most keywords in the question wins, the earlier one of two with
    as many. Where none has any, it is the first intent without keywords, else GENERAL.
    """

    def __init__(self, intents: Sequence[Intent] = DEFAULT_INTENTS) -> None:
        self._intents = [
            (intent, {_fold(keyword) for keyword in intent.keywords} - {""})
            for intent in intents
        ]
        self._stems = tuple(
            {word for _, keywords in self._intents for word in keywords}
        )
        self._general = next(
            (intent for intent in intents if not intent.keywords), GENERAL
        )

    def route(self, question: str) -> Intent:
        """Return the intent of a question."""
        words = normalise(question).split()
        endings = _endings(words)
        # Most words begin no keyword of any intent: those are not compared with each.
        endings = [ending for ending in endings if ending.startswith(self._stems)]
        best, most = self._general, 0
        for intent, keywords in self._intents:
            n_found = sum(_holds(words, endings, keyword) for keyword in keywords)
            if n_found > most:
                best, most = intent, n_found
        return best


def _fold(keyword: str) -> str:
    # Without spaces: «راه‌اندازی» and «راه اندازی» are one word to who writes them.
    return normalise(keyword).replace(" ", "")


def _endings(words: Sequence[str]) -> list[str]:
    """Write the question without spaces, from each of its words on."""
    return ["".join(words[place:]) for place in range(len(words))]


def _holds(words: Sequence[str], endings: Sequence[str], keyword: str) -> bool:
    """Tell whether a word, or some that follow each other, begin with the keyword.

    So an ending changes nothing: قیمت is in قیمتش. A short keyword must be the word.
    """
    if len(keyword) < _SHORTEST_STEM:
        return keyword in words
    return any(ending.startswith(keyword) for ending in endings)


def query_complexity(question: str) -> float:
    """Rate a question's complexity: 0 asks nothing, 1 asks many things at length.

    Half by the content words, half by the clauses beyond the first. By hand: three
    content words in one clause are 0.5 * 3 / 12 = 0.125.
    """
    words = len(content_words(question))
    clauses = sum(bool(content_words(part)) for part in _CLAUSE.split(question))
    by_words = min(words / _MANY_WORDS, 1.0)
    by_clauses = min(max(clauses - 1, 0) / (_MANY_CLAUSES - 1), 1.0)
    return 0.5 * by_words + 0.5 * by_clauses
