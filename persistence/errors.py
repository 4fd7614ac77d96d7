"""Errors of the persistence layer, and which errors mean that the database is away."""

import asyncpg

#: The connection, the server or its resources are gone for a while, or the server gave
#: the statement up for another's sake: the same statement may succeed later. A wrong
#: statement is not among them: that is a bug.
DATABASE_AWAY: tuple[type[Exception], ...] = (
    # Also a host name that can't be resolved (socket.gaierror).
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    # A deadlock's victim, or a server that has just become a stand-by.
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,
)


class PersistenceError(Exception):
    """The database could not do what was asked."""

    permanent = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class ShardFencedError(PersistenceError):
    """Another runtime took this shard over; this one must stop."""

    permanent = True


class DatabaseAwayError(PersistenceError):
    """The database does not answer. Try again in a few seconds."""


class BatchRefusedError(PersistenceError):
    """The database can't store this."""

    permanent = True


class DuplicateRowError(PersistenceError):
    """Such a row exists already."""

    permanent = True


class SecretUnreadableError(PersistenceError):
    """A stored secret can't be decrypted; was PILITO_SECRET_KEY changed?"""

    permanent = True


class MirrorUnreachableError(PersistenceError):
    """Redis does not answer: the mirror is made right when it is back."""


class MirrorEmptiedError(PersistenceError):
    """The mirror was emptied, or another process writes for this shard."""
