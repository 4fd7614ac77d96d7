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
    """The database could not do this. Try again, or see the log."""

    permanent = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or "")


class ShardFencedError(PersistenceError):
    """Another runtime has taken over this shard, so this one stops."""

    permanent = True


class DatabaseAwayError(PersistenceError):
    """The database does not answer. Try again in a few seconds."""


class BatchRefusedError(PersistenceError):
    """The database can't store this. Check the values of the request."""

    permanent = True


class DuplicateRowError(PersistenceError):
    """This exists already. Choose another name."""

    permanent = True


class SecretUnreadableError(PersistenceError):
    """A stored secret can't be decrypted. Set PILITO_SECRET_KEY to its former value."""

    permanent = True


class MirrorUnreachableError(PersistenceError):
    """Redis does not answer: the mirror is made right when it is back."""


class MirrorPlaceLostError(PersistenceError):
    """The mirror was emptied, or another shard took this one's place in it."""
