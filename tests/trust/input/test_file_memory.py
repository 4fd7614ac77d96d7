"""A small file that unpacks to gigabytes takes a gigabyte at most."""

import io
import multiprocessing
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from deployments.web import file_memory
from deployments.web.file_memory import read_within_memory
from retrieval.errors import UnreadableFileError
from tests.support.files import make_docx

PARAGRAPH = b"<w:p><w:r><w:t>a</w:t></w:r></w:p>"
#: Above what the interpreter and the parser need, far below what the file does.
SMALL_BYTES = 300 * 2**20


def make_bomb() -> bytes:
    """Make a docx of a few hundred kilobytes with two million paragraphs."""
    bomb = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(make_docx())) as source,
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for item in source.infolist():
            data = source.read(item)
            if item.filename == "word/document.xml":
                end = data.index(b"</w:body>")
                data = data[:end] + PARAGRAPH * 2_000_000 + data[end:]
            target.writestr(item.filename, data)
    return bomb.getvalue()


def read_peak_bytes() -> int:
    """Read the most memory of this program; getrusage tells its parent's as well."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def read_in_little(name: str, content: bytes) -> str:
    """Read in this process, and return the text or the refusal."""
    file_memory.MAX_MEMORY_BYTES = SMALL_BYTES
    try:
        return read_within_memory(name, content).text
    except UnreadableFileError as error:
        return f"refused: {error}"
    finally:
        assert read_peak_bytes() < 3 * SMALL_BYTES


@pytest.mark.slow  # two programs are started, and read a hundred megabytes
@pytest.mark.timeout(300)
def test_trust_proof_a_file_that_unpacks_to_gigabytes_is_refused() -> None:
    # A process of its own: the limit stays with it.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as reader:
        text = reader.submit(read_in_little, "a.docx", make_docx()).result()
        refused = reader.submit(read_in_little, "a.docx", make_bomb()).result()
    assert text.startswith("# گل‌فروشی نرگس")
    assert refused.startswith("refused: the file")
