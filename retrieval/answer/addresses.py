"""Links, mail addresses, names of accounts and codes of an answer."""

import re

from retrieval.text.language import LINK
from retrieval.text.normalise import normalise_mildly
from retrieval.text.numbers import read_numbers

_MAIL = r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"
_HOST = (
    r"(?<![\w@./-])[a-z0-9](?:[a-z0-9-]*\.)+(?:com|ir|net|org|shop|store|info|me|io|co"
    r"|app|online|site|xyz|biz|dev|gl|ly|link|page|example|ai|us|uk|de|eu|tr|ae)"
    r"(?![\w-])(?:/[^\s<>\"'،؛؟«»]*)?"
)
_ACCOUNT = r"(?<![\w.@/])@[a-z0-9_][a-z0-9_.]*"
_ADDRESSES = re.compile(rf"{LINK}|{_MAIL}|{_HOST}|{_ACCOUNT}", re.IGNORECASE)
_LATIN = re.compile(r"(?<![\w.-])[a-z0-9]+(?:[_.,-][a-z0-9]+)*", re.IGNORECASE)
_CODE = re.compile(r"(?=.*[a-z])(?=.*[0-9_])", re.IGNORECASE)
_TAIL = ".!?…,:;)]}/"


def find_addresses(text: str) -> dict[str, str]:
    """Find all addresses of a text: one spelling of each, and how it is written."""
    found = _ADDRESSES.findall(normalise_mildly(text))
    return {_spell(address): address.rstrip(_TAIL) for address in found}


def find_codes(text: str) -> dict[str, str]:
    """Find names of letters and figures, as of a discount: `VIP20`, `13pro`, `my_id`.

    What is read as a number is none: `5kg`, `10k`, a sheba.
    """
    bare = _ADDRESSES.sub(" ", normalise_mildly(text))
    return {
        word.casefold(): word
        for word in _LATIN.findall(bare)
        if _CODE.match(word) and not read_numbers(word)
    }


def is_known_address(address: str, known: str) -> bool:
    """Tell whether a spelled address is a known one, or its host alone."""
    return address == known or (
        known.startswith(f"{address}/") and "." in address and "@" not in address
    )


def _spell(address: str) -> str:
    spelled = address.casefold().rstrip(_TAIL)
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", spelled).split("#")[0].rstrip("/")
