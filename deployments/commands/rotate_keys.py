"""`pilito rotate-keys`: encrypts all stored secrets by the first of the secret keys."""

from collections.abc import Callable
from pathlib import Path

from config.settings import SettingsError
from persistence.database import open_pool
from persistence.secrets import Cipher
from persistence.stored_secrets import SECRET_COLUMNS, Rotation, rotate_column

UNREADABLE = (
    "No key reads these values; they were left as they are. Add the key that encrypted"
    " them to the end of PILITO_SECRET_KEY, or name its file with --old-key-file."
)


def load_old_key(path: Path | None) -> tuple[str, ...]:
    """Load a key that only decrypts, whatever its length; a comma is a part of it.

    Raises:
        SettingsError: the file can't be read, or is empty.
    """
    if path is None:
        return ()
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        message = f"--old-key-file: {path}: {reason}"
        raise SettingsError(message) from error
    if not key:
        message = f"--old-key-file: {path} is empty"
        raise SettingsError(message)
    return (key,)


async def rotate_keys(dsn: str, cipher: Cipher, say: Callable[[str], None]) -> int:
    """Encrypt everything anew and say how much; 1 if some of it can't be read."""
    pool = await open_pool(dsn, max_size=1)
    total = Rotation()
    try:
        for column in SECRET_COLUMNS:

            def report(done: Rotation, label: str = column.label) -> None:
                say(f"{label}: {done.seen} so far")

            counts = await rotate_column(pool, cipher, column, report)
            say(f"{column.label}: {_describe(counts)}")
            total += counts
    finally:
        await pool.close()
    say(f"All secrets: {_describe(total)}.")
    if total.unreadable:
        say(UNREADABLE)
        return 1
    return 0


def _describe(counts: Rotation) -> str:
    return (
        f"{counts.rotated} re-encrypted, {counts.current} current already,"
        f" {counts.unreadable} unreadable"
    )
