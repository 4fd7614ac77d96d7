"""Errors of the persistence layer, and which errors mean that the database is away."""

import errno
import socket
import ssl

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
#: Errors of the operating system that speak of a network or a connection. None stands
#: for several attempts that failed together (asyncio joins their messages); ENOENT for
#: the Unix socket of a server that has stopped.
_NETWORK_ERRNOS = frozenset(
    {
        None,
        errno.ENOENT,
        errno.EHOSTUNREACH,
        errno.EHOSTDOWN,
        errno.ENETUNREACH,
        errno.ENETDOWN,
        errno.ENETRESET,
        errno.EADDRNOTAVAIL,
        errno.ENOTCONN,
    }
)


def is_database_away(error: BaseException) -> bool:
    """Whether an error means that the database is away, wherever it was raised.

    Code that catches `DATABASE_AWAY` around a database call need not ask. Elsewhere an
    OSError may speak of a file or of a permission as well: a bug, not an outage.
    """
    if isinstance(error, ValueError):
        # A wrong argument of ours: asyncpg's own DataError is an InterfaceError.
        return False
    if not isinstance(error, OSError):
        return isinstance(error, DATABASE_AWAY)
    if isinstance(
        error, ConnectionError | TimeoutError | socket.gaierror | ssl.SSLError
    ):
        return True
    # An error that names a file came from opening it.
    return error.filename is None and error.errno in _NETWORK_ERRNOS


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


class CommitTimedOutError(DatabaseAwayError):
    """The database took too long to store this. Try again in a few seconds."""


class BatchRefusedError(PersistenceError):
    """The database can't store this. Check the values of the request."""

    permanent = True


class DuplicateRowError(PersistenceError):
    """This exists already. Choose another name."""

    permanent = True


class KnowledgeFullError(PersistenceError):
    """The knowledge of this business is full. Delete documents that nobody needs."""

    permanent = True


class SecretUnreadableError(PersistenceError):
    """A stored secret can't be decrypted. Set PILITO_SECRET_KEY to its former value."""

    permanent = True


class MirrorUnreachableError(PersistenceError):
    """Redis does not answer: the mirror is made right when it is back."""


class MirrorEmptiedError(PersistenceError):
    """The mirror was emptied, or another process writes for this shard."""
