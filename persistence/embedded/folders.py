"""Folders that the server's user must reach, made without opening anybody else's."""

import os
import pwd
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from persistence.errors import PersistenceError

#: Ordinary people have numbers from here on; programs have smaller ones.
FIRST_PERSON_UID = 1000


class FolderRefusedError(PersistenceError):
    """A folder of the embedded PostgreSQL can't be used. See the reason."""

    permanent = True


def make_private_folder(path: Path, owner: pwd.struct_passwd) -> None:
    """Make a folder for the owner alone, in a place where anybody may write.

    Whatever stands there already is looked at by its descriptor before it is changed: a
    link, or a folder of somebody else, could lead to theirs.

    Raises:
        FolderRefusedError: somebody else was first.
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        message = f"Can't make {path}: {error.strerror}."
        raise FolderRefusedError(message) from error
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        message = f"{path} is no folder of ours, but a link or a file; remove it."
        raise FolderRefusedError(message) from error
    try:
        if os.fstat(descriptor).st_uid not in (os.geteuid(), owner.pw_uid):
            message = f"{path} belongs to another user; remove it."
            raise FolderRefusedError(message)
        os.fchmod(descriptor, 0o700)
        if os.geteuid() == 0:
            os.fchown(descriptor, owner.pw_uid, owner.pw_gid)
    finally:
        os.close(descriptor)


def open_way(folders: Iterable[Path], home: Path, user: pwd.struct_passwd) -> None:
    """Let the user pass through to the folders; only `home` and below is changed.

    Folders below the system's folder for temporary files are changed as well: whoever
    made one for this process alone can't run a server in it otherwise. A person's home
    directory is never changed.

    Raises:
        FolderRefusedError: another folder on the way is closed; says how to open it.
    """
    temporary = Path(tempfile.gettempdir()).resolve()
    homes = _find_homes()
    ways = dict.fromkeys(parent for one in folders for parent in one.parents)
    closed = [path for path in ways if not _may_pass(path.stat(), user)]
    # All are judged before one is changed: a refusal leaves everything as it was.
    for path in closed:
        is_ours = path == home or bool({home, temporary} & {*path.parents})
        if not is_ours or path in homes or path.stat().st_uid != os.geteuid():
            message = (
                f"PostgreSQL does not run as root but as {user.pw_name}, which may not"
                f" pass {path}. Move Pilito and PILITO_DATA_DIR to a folder such as"
                f" /opt, start it as an ordinary user, or run: chmod o+x {path}"
            )
            raise FolderRefusedError(message)
    for path in closed:
        # To pass through, not to look around.
        path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o001)


def _may_pass(status: os.stat_result, user: pwd.struct_passwd) -> bool:
    if status.st_uid == user.pw_uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == user.pw_gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)


def _find_homes() -> frozenset[Path]:
    """Return the home directories of root and of people, not those of programs."""
    return frozenset(
        Path(entry.pw_dir)
        for entry in pwd.getpwall()
        if entry.pw_uid == 0 or entry.pw_uid >= FIRST_PERSON_UID
    )
