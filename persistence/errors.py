"""What can go wrong with what is remembered."""


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


class MirrorPlaceLostError(PersistenceError):
    """The mirror was emptied, or another shard took this one's place in it."""
