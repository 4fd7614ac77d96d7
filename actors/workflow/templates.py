import re
from dataclasses import dataclass
from enum import StrEnum


class Escape(StrEnum):
    TEXT = "text"
    JSON = "json"
    URL = "url"
    HEADER = "header"


@dataclass(frozen=True)
class TemplateSource:
    facts: object
    values: dict
    text: str
    now: object


def render(template, source, escape):
    def f(m):
        k = m[1].strip()
        if k == "customer.first_name":
            return source.facts.first_name
        if k.startswith("values."):
            return source.values.get(k[7:], "")
        return ""

    return re.sub(r"\{\{(.*?)\}\}", f, template)
