"""Questions with answers, and products, that a page describes in JSON-LD."""

from collections.abc import Iterator, Mapping, Sequence

import orjson
from selectolax.lexbor import LexborHTMLParser

from retrieval.data.loading import load_rows
from retrieval.documents.elements import Element, Heading, Lines, Pair
from retrieval.text.language import Language, detect_language

_MAX_DEPTH = 6
_ATTRIBUTES = ("sku", "color", "size", "material", "brand", "model", "weight")
_STATES = frozenset({"InStock", "OutOfStock", "PreOrder"})
_NAMES = {
    name: {Language.FA: persian, Language.EN: english}
    for name, persian, english in load_rows("documents/schema_org.tsv", 3)
}


def read_structured_data(parser: LexborHTMLParser) -> list[Element]:
    """Read the pairs of FAQPage and the attributes of Product; nothing of the rest."""
    elements: list[Element] = []
    language = detect_language(parser.body.text() if parser.body else "")
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
                elements += _product(thing, language)
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


def _product(thing: Mapping[str, object], language: Language) -> Iterator[Element]:
    name = _plain(thing.get("name"))
    lines = [
        f"{_NAMES[key][language]}: {value}"
        for key in _ATTRIBUTES
        if (value := "، ".join(_texts(thing.get(key))))
    ]
    for item in _listed(thing.get("additionalProperty")):
        label, value = _plain(item.get("name")), "، ".join(_texts(item.get("value")))
        if label and value:
            lines.append(f"{label}: {value}")
    for offer in _listed(thing.get("offers"))[:1]:
        lines += _offer(offer, language)
    if name and lines:
        yield Heading(1, name)
        yield Lines(tuple(lines))


def _offer(offer: Mapping[str, object], language: Language) -> Iterator[str]:
    price = _plain(offer.get("price") or offer.get("lowPrice"))
    currency = _plain(offer.get("priceCurrency"))
    if price:
        unit = _NAMES[currency][language] if currency in _NAMES else currency
        yield f"{_NAMES['price'][language]}: {price} {unit}".strip()
    state = _plain(offer.get("availability")).rpartition("/")[2]
    if state in _STATES:
        yield f"{_NAMES['availability'][language]}: {_NAMES[state][language]}"


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
