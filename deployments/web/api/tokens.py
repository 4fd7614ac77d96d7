"""Access and refresh tokens: signing and reading them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import jwt

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


@dataclass(frozen=True, slots=True)
class TokenPair:
    """The tokens of a sign-in."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Claims:
    user_id: UserId
    expires_at: datetime


class TokenSigner:
    """Signs and reads tokens with a key derived from the runtime's secret."""

    def __init__(self, secret_key: str) -> None:
        self._key = derive_key(secret_key, "tokens")

    def sign_pair(self, user_id: UserId, at: datetime) -> TokenPair:
        """Sign both tokens."""
        return TokenPair(
            access=self.sign(user_id, TokenType.ACCESS, at),
            refresh=self.sign(user_id, TokenType.REFRESH, at),
        )

    def sign(self, user_id: UserId, kind: TokenType, at: datetime) -> str:
        """Sign a token whose lifetime begins at `at`."""
        claims = {
            "sub": str(user_id),
            "type": kind.value,
            "iat": at,
            "exp": at + LIFETIMES[kind],
        }
        return jwt.encode(claims, self._key, ALGORITHM)

    def read(self, token: str, kind: TokenType) -> UserId:
        """Return the user whom a token was signed for.

        Raises:
            NotSignedInError: it is not ours, of the other type, or has expired.
        """
        return self._decode(token, kind).user_id

    def read_expiry(self, token: str, kind: TokenType) -> datetime:
        """Return when the token expires. Raises NotSignedInError like `read`."""
        return self._decode(token, kind).expires_at

    def _decode(self, token: str, kind: TokenType) -> "_Claims":
        try:
            claims = jwt.decode(
                token,
                self._key,
                # Only ours: a token must not choose its own algorithm.
                algorithms=[ALGORITHM],
                options={"require": ["exp", "iat", "sub"]},
                # Two machines' clocks differ by a little.
                leeway=timedelta(seconds=5),
            )
            if claims.get("type") != kind:
                raise NotSignedInError
            expires_at = datetime.fromtimestamp(claims["exp"], UTC)
            return _Claims(UserId(UUID(claims["sub"])), expires_at)
        except (jwt.InvalidTokenError, ValueError, UnicodeError) as error:
            raise NotSignedInError from error
