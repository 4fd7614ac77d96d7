"""Reads a file within a limit of memory; the process that does so must end after it."""

import resource
from pathlib import Path

from retrieval.documents.files import FileText, read_file

#: Beside what the worker has when it begins. A docx of 300 kB may unpack to 100 MB,
#: whose tree takes more than a gigabyte.
MAX_MEMORY_BYTES = 2**30


def read_within_memory(name: str, content: bytes) -> FileText:
    """Return the text of a file.

    Lowers the limit of this process for good: call it in a worker of its own.

    Raises:
        UnreadableFileError: also for a file that needs more memory.
    """
    used_bytes = _count_used_bytes()
    if used_bytes is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        allowed = used_bytes + MAX_MEMORY_BYTES
        if hard != resource.RLIM_INFINITY:
            allowed = min(allowed, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, hard))
    return read_file(name, content)


def _count_used_bytes() -> int | None:
    """Return what counts for the limit already; None where the system does not say.

    A worker of Ray has a hundred threads, each with a stack that counts whole.
    """
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[5]
    except OSError:
        return None
    return int(pages) * resource.getpagesize()
