"""Text of the files that shops hand in: docx, xlsx, csv, tsv, pdf, HTML, Markdown."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import PurePath

from retrieval.documents.reading import clean
from retrieval.documents.visual_order import read_in_logical_order, turn_round
from retrieval.errors import UnreadableFileError

#: Larger files are catalogues with pictures, whose text is better handed in alone.
MAX_FILE_BYTES = 10 * 2**20
#: A file of this size may unpack to gigabytes.
MAX_UNPACKED_BYTES = 100 * 2**20
MAX_PAGES = 500
MAX_ROWS = 20_000
MAX_COLUMNS = 50
#: Fewer letters per page than any page of text: the page is a picture.
_MIN_PAGE_CHARS = 20
#: Bytes that begin the formats, whatever a file is called.
_ZIP, _PDF = b"PK\x03\x04", b"%PDF-"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class FileText:
    """A file as text that `read_blocks` reads, and the title that it suggests."""

    title: str
    text: str


def read_file(name: str, content: bytes) -> FileText:
    """Return the text of a file; tables are written as Markdown.

    Raises:
        UnreadableFileError: with one sentence for the person who handed it in.
    """
    if not content:
        message = "the file is empty"
        raise UnreadableFileError(message)
    if len(content) > MAX_FILE_BYTES:
        message = f"the file is larger than {MAX_FILE_BYTES // 2**20} MB"
        raise UnreadableFileError(message)
    path = PurePath(name)
    suffix = path.suffix.lower()
    reader = _READERS.get(suffix)
    if reader is None:
        known = ", ".join(sorted(kind.lstrip(".") for kind in _READERS))
        message = f"files of this kind are not read; hand in one of {known}"
        raise UnreadableFileError(message)
    if content.startswith(_OLD_OFFICE):
        message = (
            "the file is protected by a password or in an old Office format; save it"
            " as docx or xlsx without a password"
        )
        raise UnreadableFileError(message)
    try:
        _check_kind(suffix, content)
        text = reader(content)
    except UnreadableFileError:
        raise
    except MemoryError as error:
        message = "the file needs too much memory to be read; hand in its text"
        raise UnreadableFileError(message) from error
    except Exception as error:
        # The parsers raise whatever a broken file makes them stumble over.
        message = f"the file is damaged or is no {suffix.lstrip('.')} file"
        raise UnreadableFileError(message) from error
    text = read_in_logical_order(clean(text.replace("\0", "")))
    if not any(letter.isalnum() for letter in text):
        message = "the file holds no text; pictures of text are not read"
        raise UnreadableFileError(message)
    return FileText(" ".join(path.stem.replace("_", " ").split()), text)


def _check_kind(suffix: str, content: bytes) -> None:
    is_zip, is_pdf = content.startswith(_ZIP), content.startswith(_PDF)
    if is_zip != (suffix in {".docx", ".xlsx"}) or (suffix == ".pdf") != is_pdf:
        message = f"the file's content is not that of a {suffix.lstrip('.')} file"
        raise UnreadableFileError(message)
    if is_zip:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
        if unpacked > MAX_UNPACKED_BYTES:
            message = "the file unpacks to more than can be read"
            raise UnreadableFileError(message)


def _read_text(content: bytes) -> str:
    """Decode as browsers do: by the byte order mark, UTF-8, then Windows' Arabic."""
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if content.startswith(mark):
            return content.decode(encoding)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        # Every byte is a letter there, so this never fails and is tried last.
        return content.decode("windows-1256")


def _read_delimited(content: bytes) -> str:
    text = _read_text(content)
    try:
        dialect = csv.Sniffer().sniff(text[:10_000], delimiters=",;\t|")
        rows = csv.reader(io.StringIO(text), dialect)
    except csv.Error:
        rows = csv.reader(io.StringIO(text))
    return "\n\n".join(_write_tables([[cell.strip() for cell in row] for row in rows]))


def _read_xlsx(content: bytes) -> str:
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    parts: list[str] = []
    for sheet in book.worksheets:
        rows = [
            [_write_value(value) for value in row[:MAX_COLUMNS]]
            for row in sheet.iter_rows(values_only=True, max_row=MAX_ROWS)
        ]
        tables = list(_write_tables(rows))
        if tables and len(book.worksheets) > 1:
            parts.append(f"## {sheet.title}")
        parts += tables
    return "\n\n".join(parts)


def _read_docx(content: bytes) -> str:
    import docx
    from docx.table import Table
    from docx.text.paragraph import Paragraph

    parts: list[str] = []
    for part in docx.Document(io.BytesIO(content)).iter_inner_content():
        if isinstance(part, Table):
            rows = [[cell.text for cell in row.cells] for row in part.rows]
            parts += _write_tables(rows)
        elif isinstance(part, Paragraph) and part.text.strip():
            style = (part.style.name if part.style else "") or ""
            parts.append(_mark(style) + _escape(part.text.strip()))
    return "\n\n".join(parts)


def _mark(style: str) -> str:
    """Return the Markdown of a paragraph style: headings and lists, by their names."""
    if style == "Title":
        return "# "
    name, _, level = style.partition(" ")
    if name == "Heading" and level.isdecimal():
        # One below the title, of which a document has one at most.
        return "#" * min(int(level) + 1, 6) + " "
    return "- " if style.startswith("List") else ""


def _read_pdf(content: bytes) -> str:
    import pdfplumber
    from pdfplumber.utils.exceptions import PdfminerException

    try:
        document = pdfplumber.open(io.BytesIO(content))
    except PdfminerException as error:
        message = "the file is protected by a password or damaged"
        raise UnreadableFileError(message) from error
    with document:
        if len(document.pages) > MAX_PAGES:
            message = f"the file has more than {MAX_PAGES} pages"
            raise UnreadableFileError(message)
        # By the places of the letters, so each line stands as it is seen.
        pages = [page.extract_text() for page in document.pages]
    if sum(len(page) for page in pages) < _MIN_PAGE_CHARS * len(pages):
        message = "the file holds pictures of text; hand in the text itself"
        raise UnreadableFileError(message)
    return "\n\n".join(turn_round(page) for page in pages)


def _write_tables(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Write runs of rows as Markdown tables; a row of one cell is a line of text."""
    run: list[Sequence[str]] = []
    for row in rows:
        cells = [" ".join(cell.split()) for cell in row]
        if sum(bool(cell) for cell in cells) > 1:
            run.append(cells)
            continue
        yield from _write_table(run)
        run = []
        if text := "".join(cells):
            yield _escape(text)
    yield from _write_table(run)


def _write_table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    width = max(map(len, rows))
    padded = [[*map(_escape, row), *[""] * (width - len(row))] for row in rows]
    used = [at for at in range(width) if any(row[at] for row in padded)]
    lines = [" | ".join(row[at] for at in used) for row in padded]
    lines.insert(1, "|".join(["---"] * len(used)))
    yield "\n".join(f"| {line} |" for line in lines)


def _escape(text: str) -> str:
    """Keep what Markdown would read as a mark."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*")


def _write_value(value: object) -> str:
    """Write a cell's value as a person would have typed it."""
    match value:
        case None:
            return ""
        case bool():
            return "✓" if value else "✗"
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(" ", "minutes")
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)


_READERS: Mapping[str, Callable[[bytes], str]] = {
    ".csv": _read_delimited,
    ".tsv": _read_delimited,
    ".docx": _read_docx,
    ".xlsx": _read_xlsx,
    ".pdf": _read_pdf,
    ".html": _read_text,
    ".htm": _read_text,
    ".md": _read_text,
    ".txt": _read_text,
}
