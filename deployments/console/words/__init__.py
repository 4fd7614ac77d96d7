"""The console's texts, in Persian and English: a missing one fails mypy."""

from collections.abc import Mapping
from types import MappingProxyType

from deployments.console.words.en import ENGLISH
from deployments.console.words.fa import PERSIAN
from deployments.console.words.terms import Language, Words

WORDS: Mapping[Language, Words] = MappingProxyType(
    {Language.FA: PERSIAN, Language.EN: ENGLISH}
)
