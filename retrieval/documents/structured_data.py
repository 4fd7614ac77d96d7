"""What a page says of itself in JSON-LD: questions with answers, and products."""

from collections.abc import Iterator, Mapping, Sequence

import orjson
from selectolax.lexbor import LexborHTMLParser

from retrieval.documents.elements import Element, Heading, Lines, Pair

_MAX_DEPTH = 6
#: Attributes of schema.org's Product, in Persian as shops name them.
_NAMES = {"sku": "کد کالا", "color": "رنگ", "size": "سایز", "material": "جنس"}
_MORE_NAMES = {"brand": "برند", "model": "مدل", "weight": "وزن", "category": "دسته"}
_AVAILABLE = {"InStock": "موجود", "OutOfStock": "ناموجود", "PreOrder": "پیش‌سفارش"}
_CURRENCIES = {"IRR": "ریال", "IRT": "تومان", "USD": "دلار", "EUR": "یورو"}


def read_structured_data(parser: LexborHTMLParser) -> list[Element]:
    """Read the pairs of FAQPage and the attributes of Product; nothing of the rest."""
    elements: list[Element] = []
    for node in parser.css('script[type="application/ld+json"]'):
        try:
            data = orjson.loads(node.text())
        except orjson.JSONDecodeError:
            continue
        for thing in _things(data, 0):
            kinds = _texts(thing.get("@type"))
            if "Question" in kinds:
                elements += _pair(thing)
            if "Product" in kinds:
                elements += _product(thing)
    return elements


def _things(data: object, depth: int) -> Iterator[Mapping[str, object]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(data, list):
        for item in data:
            yield from _things(item, depth + 1)
    elif isinstance(data, dict):
        yield data
        for key in ("@graph", "mainEntity", "mainEntityOfPage", "itemListElement"):
            yield from _things(data.get(key), depth + 1)


def _pair(thing: Mapping[str, object]) -> Iterator[Element]:
    answer = thing.get("acceptedAnswer")
    answer = answer[0] if isinstance(answer, list) and answer else answer
    said = answer.get("text") if isinstance(answer, dict) else answer
    question, told = _plain(thing.get("name")), _plain(said)
    if question and told:
        yield Pair(question, told)


def _product(thing: Mapping[str, object]) -> Iterator[Element]:
    name = _plain(thing.get("name"))
    lines = [
        f"{label}: {value}"
        for key, label in (_NAMES | _MORE_NAMES).items()
        if (value := "، ".join(_texts(thing.get(key))))
    ]
    for item in _listed(thing.get("additionalProperty")):
        label, value = _plain(item.get("name")), "، ".join(_texts(item.get("value")))
        if label and value:
            lines.append(f"{label}: {value}")
    for offer in _listed(thing.get("offers"))[:1]:
        lines += _offer(offer)
    if name and lines:
        yield Heading(1, name)
        yield Lines(tuple(lines))


def _offer(offer: Mapping[str, object]) -> Iterator[str]:
    price = _plain(offer.get("price") or offer.get("lowPrice"))
    currency = _plain(offer.get("priceCurrency"))
    if price:
        yield f"قیمت: {price} {_CURRENCIES.get(currency, currency)}".strip()
    state = _plain(offer.get("availability")).rpartition("/")[2]
    if state in _AVAILABLE:
        yield f"موجودی: {_AVAILABLE[state]}"


def _listed(value: object) -> Sequence[Mapping[str, object]]:
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, dict)]


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    named = (item.get("name") if isinstance(item, dict) else item for item in values)
    return [text for item in named if (text := _plain(item))]


def _plain(value: object) -> str:
    """Return a value as plain text: answers may be written in HTML."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    body = LexborHTMLParser(str(value)).body
    return " ".join((body.text(separator=" ") if body else "").split())
