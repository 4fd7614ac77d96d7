"""Visitors of a website: ids that we sign, and ids that a shop vouches for."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from functools import lru_cache

import structlog

from config.secret_keys import read_keys
from config.settings import Settings
from deployments.http.secrets import is_same_secret
from deployments.integrations.errors import InvalidFieldError, UnprovenVisitorError
from deployments.rate_limit import VisitorRateLimiter
from persistence.channels import Channel
from persistence.errors import SecretUnreadableError
from persistence.ids import ChannelId
from persistence.secrets import Cipher, derive_key

#: Of a token and of a hash; neither is near as long.
MAX_PROOF_CHARS = 200
NEEDED = (
    "an id alone proves nothing: POST to ../visitors/ for an id with its token, or send"
    " the HMAC-SHA256 of the id (hex) under the channel's visitor_secret"
)

log = structlog.get_logger("webhooks")


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows that an id is the visitor's own; both empty for nothing."""

    token: str = field(default="", repr=False)
    visitor_hash: str = field(default="", repr=False)


NO_PROOF = Proof()


@dataclass(frozen=True, slots=True)
class Visitor:
    """An id and its token, as the page keeps them."""

    id: str
    token: str = field(repr=False)


class VisitorSigner:
    """Signs ids of visitors, each for one channel.

    The first key signs, and all are read, so that a key can be replaced.
    """

    def __init__(self, *secret_keys: str) -> None:
        self._keys = tuple(derive_key(key, "visitors") for key in secret_keys)

    def issue(self, channel_id: ChannelId) -> Visitor:
        """Make up a visitor whom nobody can guess."""
        visitor_id = secrets.token_urlsafe(18)
        return Visitor(visitor_id, self.sign(channel_id, visitor_id))

    def sign(self, channel_id: ChannelId, visitor_id: str, secret: str = "") -> str:
        """Sign an id: 43 letters, digits, `-` and `_`.

        With the secret under which a shop vouched for the id, the token ends when the
        secret does.
        """
        return _sign(self._keys[0], channel_id, visitor_id, secret)

    def is_signed(
        self, channel_id: ChannelId, visitor_id: str, token: str, secret: str = ""
    ) -> bool:
        """True if the token was signed for this id, channel and secret."""
        signed = (_sign(key, channel_id, visitor_id, secret) for key in self._keys)
        return any(is_same_secret(one, token) for one in signed)


class Visitors:
    """Issues visitors of channels and verifies who they are."""

    def __init__(
        self,
        signer: VisitorSigner,
        cipher: Cipher | None,
        rate_limiter: VisitorRateLimiter,
    ) -> None:
        self._cipher = cipher
        self._rate_limiter = rate_limiter
        self._signer = signer
        # A decryption costs as much as all the rest of a request's reading.
        self._decrypt = lru_cache(maxsize=1024)(self._decrypt_secret)

    async def issue(self, channel: Channel, address: str | None) -> Visitor:
        """Make up a visitor. Raises TooManyRequestsError."""
        await self._rate_limiter.admit_new_visitor(address)
        return self._signer.issue(channel.id)

    def vouch(self, channel: Channel, visitor_id: str, proof: Proof) -> Visitor:
        """Sign an id that the proof has proven.

        Whoever learned a shop's secret could have tokens for all its customers: they
        end when the secret is renewed, as its hashes do.
        """
        is_ours = self._signer.is_signed(channel.id, visitor_id, proof.token)
        secret = "" if is_ours else self._read_secret(channel)
        return Visitor(visitor_id, self._signer.sign(channel.id, visitor_id, secret))

    def is_proven(self, channel: Channel, visitor_id: str, proof: Proof) -> bool:
        """True if the token or the hash is the id's."""
        if self._signer.is_signed(channel.id, visitor_id, proof.token):
            return True
        secret = self._read_secret(channel)
        if not secret:
            return False
        expected = hash_visitor(secret, visitor_id)
        given = proof.visitor_hash.lower()
        return is_same_secret(expected, given) or self._signer.is_signed(
            channel.id, visitor_id, proof.token, secret
        )

    async def verify(
        self, channel: Channel, visitor_id: str, proof: Proof, address: str | None
    ) -> None:
        """Refuse an id that is not proven, and count the guesses of an address.

        Raises:
            InvalidFieldError: naming `visitor_hash`, where nothing is given.
            UnprovenVisitorError: what is given belongs to another id or channel.
            TooManyRequestsError: the address has guessed too often.
        """
        if self.is_proven(channel, visitor_id, proof):
            return
        await self._rate_limiter.count_miss("visitor-proof", address)
        if proof == NO_PROOF:
            raise InvalidFieldError(NEEDED, "visitor_hash")
        raise UnprovenVisitorError

    def _read_secret(self, channel: Channel) -> str:
        return self._decrypt(channel.id, channel.visitor_secret)

    def _decrypt_secret(self, channel_id: ChannelId, encrypted: bytes | None) -> str:
        """Decrypt; empty, which vouches for nobody, where that can't be done."""
        if self._cipher is None or encrypted is None:
            return ""
        try:
            return self._cipher.decrypt(encrypted).decode()
        except SecretUnreadableError as error:
            log.warning(
                "visitor_secret_unreadable",
                channel_id=str(channel_id),
                reason=str(error),
            )
            return ""


def build_signer(settings: Settings) -> VisitorSigner:
    """Build the signer of the settings' keys.

    Without a key, as in tools that run no other process, a key of this process serves.
    """
    key = settings.secret_key
    if key is None:
        return VisitorSigner(secrets.token_urlsafe(32))
    return VisitorSigner(*read_keys(key.get_secret_value()))


def hash_visitor(secret: str, visitor_id: str) -> str:
    """Compute what a shop's server sends as `visitor_hash`."""
    return hmac.digest(secret.encode(), visitor_id.encode(), hashlib.sha256).hex()


def check_proof(token: object, visitor_hash: object) -> Proof:
    """Check the fields of a proof. Raises InvalidFieldError."""
    texts: list[str] = []
    for name, value in (("token", token), ("visitor_hash", visitor_hash)):
        if value is None:
            texts.append("")
        elif isinstance(value, str) and len(value) <= MAX_PROOF_CHARS:
            texts.append(value)
        else:
            message = f"must be a text of at most {MAX_PROOF_CHARS} characters"
            raise InvalidFieldError(message, name)
    return Proof(*texts)


def _sign(key: bytes, channel_id: ChannelId, visitor_id: str, secret: str) -> str:
    # No id holds a colon: no message of one kind is one of the other.
    message = f"{channel_id}:{visitor_id}" + (f":{secret}" if secret else "")
    digest = hmac.digest(key, message.encode(), hashlib.sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
