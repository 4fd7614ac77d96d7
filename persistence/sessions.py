"""Sign-ins, each with the hash of its last refresh token."""

from dataclasses import dataclass
from datetime import datetime

from persistence.database import Db
from persistence.ids import SessionId, UserId
from persistence.queries import build_row, load_queries
from persistence.users import User

_SQL = load_queries("sessions")

#: A person has some devices and browsers; the oldest sign-ins beyond are ended.
MAX_SESSIONS_PER_USER = 50


@dataclass(frozen=True, slots=True)
class SessionClaims:
    """What a token says: the sign-in, its user, and the version of their sessions."""

    session_id: SessionId
    user_id: UserId
    session_version: int


async def create_session(
    db: Db,
    session_id: SessionId,
    user: User,
    token_hash: bytes,
    *,
    at: datetime,
    ends: datetime,
) -> None:
    """Create a sign-in, whose refresh token has this hash and expires at `ends`."""
    await db.execute(
        _SQL["insert_session"],
        session_id,
        user.tenant_id,
        user.id,
        token_hash,
        at,
        ends,
    )


async def prune_sessions(
    db: Db, user: User, at: datetime, keep: int = MAX_SESSIONS_PER_USER
) -> None:
    """Remove a person's sign-ins that have expired, and all but the newest."""
    await db.execute(_SQL["prune_sessions"], user.id, user.tenant_id, at, keep)


async def fetch_session_user(db: Db, claims: SessionClaims) -> User | None:
    """Fetch the user of a sign-in that goes on; None if the access has ended."""
    row = await db.fetchrow(
        _SQL["fetch_session_user"],
        claims.session_id,
        claims.user_id,
        claims.session_version,
    )
    return None if row is None else build_row(User, row)


async def rotate_session(
    db: Db, claims: SessionClaims, old_hash: bytes, new_hash: bytes, ends: datetime
) -> User | None:
    """Replace the refresh token; None if `old_hash` is not that of the last one."""
    row = await db.fetchrow(
        _SQL["rotate_session"],
        claims.session_id,
        claims.user_id,
        claims.session_version,
        old_hash,
        new_hash,
        ends,
    )
    return None if row is None else build_row(User, row)


async def delete_session(db: Db, session_id: SessionId, user_id: UserId) -> bool:
    """End a sign-in; False if it had ended."""
    return await db.fetchval(_SQL["delete_session"], session_id, user_id) is not None


async def end_sessions(db: Db, user_id: UserId) -> None:
    """End all sign-ins of a person."""
    await db.execute(_SQL["end_sessions"], user_id)
