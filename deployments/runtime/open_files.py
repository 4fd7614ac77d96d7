"""The open-files limit, and how many connections it leaves room for."""

import resource
from contextlib import suppress

#: HAProxy holds two files a connection: one towards the client, one towards a replica.
FILES_PER_CONNECTION = 2
#: Listeners, logs, health checks, libraries, and HAProxy's pipes: see `haproxy.sh`.
OTHER_FILES = 800


def fit_connections(wanted: int) -> int:
    """Raise the limit, also for children; return how many connections fit.

    A process may raise its soft limit up to the hard one, and root the hard one, too.
    """
    needed = FILES_PER_CONNECTION * wanted + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _is_within(needed, hard):
        if not _is_within(needed, soft):
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        return wanted
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, needed))
        return wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(1, (hard - OTHER_FILES) // FILES_PER_CONNECTION)


def _is_within(files: int, limit: int) -> bool:
    return limit == resource.RLIM_INFINITY or files <= limit
