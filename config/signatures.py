"""Whether Instagram's webhooks are verified, as the settings say."""

from collections.abc import Mapping
from enum import StrEnum

from config.secret_keys import split_list
from config.settings import Settings

UNVERIFIABLE = (
    "PILITO_INSTAGRAM_APP_SECRET is not set: Instagram's webhooks are refused with"
    " 401, since without it anyone could write as any customer (docs/keys.md says"
    " where the secret is found)"
)
UNSIGNED = (
    "PILITO_INSTAGRAM_APP_SECRET is not set: Instagram's webhooks are taken unsigned,"
    " from programs on this machine only"
)


class Signatures(StrEnum):
    """How a webhook of Instagram is judged."""

    #: By its signature.
    VERIFIED = "verified"
    #: Without a signature, from this machine and through no proxy.
    LOOPBACK_ONLY = "loopback_only"
    #: Never taken.
    REFUSED = "refused"


#: What the operator is told at the start.
WARNINGS: Mapping[Signatures, str] = {
    Signatures.LOOPBACK_ONLY: UNSIGNED,
    Signatures.REFUSED: UNVERIFIABLE,
}


def read_app_secrets(settings: Settings) -> tuple[bytes, ...]:
    """Return the secrets of which any may have signed a webhook."""
    if settings.instagram_app_secret is None:
        return ()
    text = settings.instagram_app_secret.get_secret_value()
    return tuple(secret.encode() for secret in split_list(text))


def judge_signatures(settings: Settings) -> Signatures:
    """Say how webhooks are judged; where others may write, none is taken unsigned."""
    if read_app_secrets(settings):
        return Signatures.VERIFIED
    if settings.is_local:
        return Signatures.LOOPBACK_ONLY
    return Signatures.REFUSED
