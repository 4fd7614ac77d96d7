"""Access and refresh tokens: signing and reading them."""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import jwt

from config.secret_keys import read_keys
from deployments.web.api.errors import NotSignedInError
from persistence.ids import SessionId, UserId
from persistence.secrets import derive_key, hash_token
from persistence.sessions import SessionClaims

ALGORITHM = "HS256"


class TokenType(StrEnum):
    """The purpose of a token."""

    ACCESS = "access"
    REFRESH = "refresh"
    #: The cookie of the console.
    SESSION = "session"


LIFETIMES = {
    # A stolen access token is worth half an hour.
    TokenType.ACCESS: timedelta(minutes=30),
    # An operator who comes back within two weeks need not sign in again.
    TokenType.REFRESH: timedelta(days=14),
    TokenType.SESSION: timedelta(days=14),
}


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says, and until when."""

    session: SessionClaims
    #: Names this one token of all that the sign-in is given.
    token_id: str
    expires_at: datetime

    @property
    def hash(self) -> bytes:
        """The hash by which the database knows the token."""
        return hash_token(self.token_id)


class TokenSigner:
    """Signs and reads tokens with keys derived from the runtime's secret keys."""

    def __init__(self, secret_key: str) -> None:
        """Take the list of `PILITO_SECRET_KEY`: the first signs, all are believed."""
        keys = read_keys(secret_key)
        self._keys = tuple(derive_key(key, "tokens") for key in keys)

    def sign(
        self, session: SessionClaims, kind: TokenType, at: datetime, token_id: str = ""
    ) -> str:
        """Sign a token whose lifetime begins at `at`; its id is random if not given."""
        claims = {
            "sub": str(session.user_id),
            "sid": str(session.session_id),
            "sv": session.session_version,
            "jti": token_id or new_token_id(),
            "type": kind.value,
            "iat": at,
            "exp": at + LIFETIMES[kind],
        }
        return jwt.encode(claims, self._keys[0], ALGORITHM)

    def read(self, token: str, kind: TokenType) -> Token:
        """Return what a token says.

        Raises:
            NotSignedInError: it is not ours, of the other type, or has expired.
        """
        try:
            claims = self._verify(token)
            if claims.get("type") != kind:
                raise NotSignedInError
            session = SessionClaims(
                SessionId(UUID(claims["sid"])),
                UserId(UUID(claims["sub"])),
                int(claims["sv"]),
            )
            expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        except (
            jwt.InvalidTokenError,
            ValueError,
            TypeError,
            AttributeError,
            UnicodeError,
        ) as error:
            raise NotSignedInError from error
        return Token(session, str(claims["jti"]), expires_at)

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
        # Tokens of before had no session, and could not be ended.
        options={"require": ["exp", "iat", "sub", "sid", "sv", "jti"]},
        # Two machines' clocks differ by a little.
        leeway=timedelta(seconds=5),
    )


def new_token_id() -> str:
    """Return a random name that nobody guesses: 128 bits."""
    return secrets.token_hex(16)
