"""The shape of plain lines: page numbers, list marks, questions, broken sentences."""

import re
from collections.abc import Sequence

_DIGIT = r"[0-9۰-۹٠-٩]"
_PICTURE = "\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
#: What begins an item of a list. A digit begins one only before a letter: "3- 5" is a
#: range.
_MARK = re.compile(
    rf"^\s*(?:[-*•▪▫◦●○■□–—]+\s+|[{_PICTURE}][\ufe0f\u200d{_PICTURE}]*\s*"
    rf"|{_DIGIT}{{1,2}}[.)\-]\s+(?=[^\W\d_]))"
)
_PAGE_NUMBER = re.compile(
    rf"^[\s\-–—]*{_DIGIT}{{1,4}}[\s\-–—]*$"
    rf"|(?:^|[^\w])(?:صفحه|page|ص)\s*[.:]?\s*{_DIGIT}{{1,4}}"
    rf"(?:\s*(?:از|of|/)\s*{_DIGIT}{{1,4}})?\s*$",
    re.IGNORECASE,
)
_QUESTION_MARK = re.compile(
    r"^\s*(?:س|سوال|سؤال|پرسش|q|question)\s*[:：.]\s*(?=\S)", re.IGNORECASE
)
_ANSWER_MARK = re.compile(
    r"^\s*(?:ج|جواب|پاسخ|a|answer)\s*[:：.]\s*(?=\S)", re.IGNORECASE
)
_ENDED = re.compile(r"[.!?؟…:؛;][\"'”’»)\]\s]*$")
_END_INSIDE = re.compile(r"[.!?؟…]\s+\S")
#: A comma between these digits groups thousands: "620,000".
_GROUPED = re.compile(rf"{_DIGIT},{_DIGIT}{{3}}(?!{_DIGIT})")
_KEY = re.compile(r"^[^:،.]{1,60}:(?:\s|$)")
#: Longer lines are no question of a list of questions.
MAX_QUESTION_CHARS = 200


def strip_mark(line: str) -> str:
    """Take off what marks a line as an item of a list."""
    return _MARK.sub("", line, count=1).strip()


def has_mark(line: str) -> bool:
    """Tell whether a line begins an item of a list."""
    return _MARK.match(line) is not None


def is_page_number(line: str) -> bool:
    """Tell a page number of a printed document: `- 1 -`, `Page 1 of 2`, `shop | ۱`."""
    return len(line) <= 80 and _PAGE_NUMBER.search(line) is not None


def read_question(line: str) -> str:
    """Return the question that a line marks as one: `س: …`, `Q: …`; else empty."""
    bare = strip_mark(line)
    marked = _QUESTION_MARK.sub("", bare, count=1)
    return marked.strip() if marked != bare else ""


def read_answer(line: str) -> str:
    """Return the answer that a line marks as one: `ج: …`, `A: …`; else empty."""
    bare = strip_mark(line)
    marked = _ANSWER_MARK.sub("", bare, count=1)
    return marked.strip() if marked != bare else ""


def is_question(line: str) -> bool:
    """Tell whether a line is one question and nothing else."""
    bare = strip_mark(line)
    return (
        len(bare) <= MAX_QUESTION_CHARS
        and bare.endswith(("؟", "?"))
        and _END_INSIDE.search(bare[:-1]) is None
    )


def is_ended(line: str) -> bool:
    """Tell whether a line ends with the end of a sentence."""
    return _ENDED.search(line) is not None


def are_broken(lines: Sequence[str]) -> bool:
    """Tell whether a printed page broke sentences over these lines.

    A line that ends one sentence and leaves the next unfinished was broken by its
    width, and so was one that ends inside a word. Lines that each say one thing (a
    list without marks) have neither.
    """
    inner = lines[:-1]
    if any(_KEY.match(line) for line in lines[1:]):
        return False
    return any(
        line.endswith("\u200c")
        or (_END_INSIDE.search(line) is not None and not is_ended(line))
        for line in inner
    )


def join_broken(lines: Sequence[str]) -> str:
    """Join the lines of a paragraph whose sentences were broken over them."""
    text = ""
    for line in lines:
        part = line.strip(" \t")
        if text.endswith("\u200c"):
            text += part
        elif text.endswith("-") and text[-2:-1].isascii() and text[-2:-1].isalpha():
            text = text[:-1] + part
        else:
            text = f"{text} {part}" if text else part
    return text


def cut_row(line: str, delimiter: str) -> tuple[str, ...]:
    """Cut a line at a delimiter into trimmed cells."""
    return tuple(cell.strip() for cell in line.split(delimiter))


def find_table(lines: Sequence[str]) -> tuple[int, str]:
    """Return how many first lines are rows of one table, and their delimiter.

    0 where there is none. A comma delimits only without a blank behind it, as
    spreadsheets write it; a header in words stands above at least one row.
    """
    for delimiter in ("\t", ",", ";", "|"):
        count = lines[0].count(delimiter)
        if not count or (delimiter != "\t" and f"{delimiter} " in lines[0]):
            continue
        header = cut_row(lines[0], delimiter)
        if (
            not all(header)
            or any(cell.isdecimal() for cell in header)
            or _GROUPED.search(lines[0])
        ):
            continue
        rows = 1
        while rows < len(lines) and lines[rows].count(delimiter) == count:
            rows += 1
        if rows > 1 and (count > 1 or rows > 2 or delimiter == "\t"):
            return rows, delimiter
    return 0, ""
