"""Access and refresh tokens: signing and reading them."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import jwt

from config.secret_keys import read_keys
from deployments.web.api.errors import NotSignedInError
from persistence.ids import UserId
from persistence.secrets import derive_key

ALGORITHM = "HS256"


class TokenType(StrEnum):
    """The purpose of a token."""

    ACCESS = "access"
    REFRESH = "refresh"


LIFETIMES = {
    # A stolen access token is worth half an hour.
    TokenType.ACCESS: timedelta(minutes=30),
    # An operator who comes back within two weeks need not sign in again.
    TokenType.REFRESH: timedelta(days=14),
}


class TokenSigner:
    """Signs and reads tokens with keys derived from the runtime's secret keys."""

    def __init__(self, secret_key: str) -> None:
        """Take the list of `PILITO_SECRET_KEY`: the first signs, all are believed."""
        keys = read_keys(secret_key)
        self._keys = tuple(derive_key(key, "tokens") for key in keys)

    def sign(self, user_id: UserId, kind: TokenType, at: datetime) -> str:
        """Sign a token whose lifetime begins at `at`."""
        claims = {
            "sub": str(user_id),
            "type": kind.value,
            "iat": at,
            "exp": at + LIFETIMES[kind],
        }
        return jwt.encode(claims, self._keys[0], ALGORITHM)

    def read(self, token: str, kind: TokenType) -> UserId:
        """Return the user whom a token was signed for.

        Raises:
            NotSignedInError: it is not ours, of the other type, or has expired.
        """
        return self._decode(token, kind)[0]

    def read_expiry(self, token: str, kind: TokenType) -> datetime:
        """Return when the token expires. Raises NotSignedInError like `read`."""
        return self._decode(token, kind)[1]

    def _decode(self, token: str, kind: TokenType) -> tuple[UserId, datetime]:
        try:
            claims = self._verify(token)
            if claims.get("type") != kind:
                raise NotSignedInError
            expires_at = datetime.fromtimestamp(claims["exp"], UTC)
            return UserId(UUID(claims["sub"])), expires_at
        except (jwt.InvalidTokenError, ValueError, UnicodeError) as error:
            raise NotSignedInError from error

    def _verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that one of the keys has signed."""
        *others, last = self._keys
        for key in others:
            # Another key may have signed it; every other fault is a fault by each key.
            with suppress(jwt.InvalidSignatureError):
                return _decode_by(token, key)
        return _decode_by(token, last)


def _decode_by(token: str, key: bytes) -> dict[str, Any]:
    return jwt.decode(
        token,
        key,
        # Only ours: a token must not choose its own algorithm.
        algorithms=[ALGORITHM],
        options={"require": ["exp", "iat", "sub"]},
        # Two machines' clocks differ by a little.
        leeway=timedelta(seconds=5),
    )
