"""Referrals: the ad, the product or the link that a customer comes from."""

from deployments.integrations.lenient_json import (
    Json,
    read_identifier,
    read_object,
    read_text,
)

PRODUCT = "کد کالا: {}"
LINK = "لینک: {}"


def read_referral(*holders: Json) -> str:
    """Return what the customer comes from as lines of text, empty without one.

    The title of an ad and the id of a product say what a question is about. The name
    that a shop gave to its link is told only where nothing else is: it is for people.
    Source: Meta, Messenger Platform, webhook event `messaging_referrals`.
    """
    referrals = [read_object(holder.get("referral")) for holder in holders]
    referral = next((found for found in referrals if found), None)
    if referral is None:
        return ""
    title = read_text(read_object(referral.get("ads_context_data")).get("ad_title"))
    product = read_identifier(read_object(referral.get("product")).get("id"))
    lines = [title.strip(), PRODUCT.format(product) if product else ""]
    return "\n".join(filter(None, lines)) or _name_link(referral)


def _name_link(referral: Json) -> str:
    names = ("ref", "referer_uri", "ad_id", "source", "type")
    found = (read_identifier(referral.get(name)).strip() for name in names)
    name = " ".join(next(filter(None, found), "").split())
    return LINK.format(name) if name else ""
