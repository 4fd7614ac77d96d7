"""The shape of plain lines: page numbers, list marks, questions, broken sentences."""

import re
from collections.abc import Sequence

from retrieval.documents.words import WORDS
from retrieval.text.normalise import normalise

_DIGIT = r"[0-9۰-۹٠-٩]"
_PICTURE = "\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
#: What begins an item of a list. A digit begins one only before a letter: "3- 5" is a
#: range.
_MARK = re.compile(
    rf"^\s*(?:[-*•▪▫◦●○■□–—]+\s+|[{_PICTURE}][\ufe0f\u200d{_PICTURE}]*\s*"
    rf"|{_DIGIT}{{1,2}}[.)\-]\s+(?=[^\W\d_]))"
)
_FRAME = rf"[\s{_PICTURE}\ufe0f\u200d*_~=|•●○■□◆◇▪▫◦·–—-]"
_FRAMES = re.compile(rf"^{_FRAME}+|{_FRAME}+$")
_PICTURES = re.compile(f"[{_PICTURE}]")
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
#: A cell of figures alone is no name of a column.
_FIGURE = re.compile(rf"^{_DIGIT}[\d.,٬٫/ ]*$")
_KEY = re.compile(r"^[^:،.]{1,60}:(?:\s|$)")
_ATTRIBUTE = re.compile(r"^([^:\d][^:]{0,39}?)\s*:(?!//)\s*(\S.*)$")
_MAX_SPOKEN_CHARS = 80
#: Longer lines are no question of a list of questions.
MAX_QUESTION_CHARS = 200


def strip_mark(line: str) -> str:
    """Take off what marks a line as an item of a list."""
    return _MARK.sub("", line, count=1).strip()


def has_mark(line: str) -> bool:
    """Tell whether a line begins an item of a list."""
    return _MARK.match(line) is not None


def strip_frame(line: str) -> str:
    """Take off what stands around a heading: pictures, marks as in `== hours ==`."""
    return _FRAMES.sub("", line)


def is_framed(line: str) -> bool:
    """Tell a line with marks around it, or a picture before it, from an item of a list.

    Items have their marks before them alone; a picture may begin either.
    """
    line = line.strip()
    has_end = strip_frame("." + line) != "." + line
    return has_end if has_mark(line) and not _PICTURES.match(line) else True


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


def is_spoken_question(line: str, following: str) -> bool:
    """Tell a question without its mark: by its beginning, or a yes or no below it."""
    bare = strip_mark(line)
    if len(bare) > _MAX_SPOKEN_CHARS or is_ended(bare) or ":" in bare:
        return False
    folded = normalise(bare)
    words = folded.split()
    if _begins(folded, WORDS["begins"]) and len(words) > 1:
        return not is_question(following) and normalise(following) != ""
    answer = normalise(following)
    if _begins(answer, WORDS["yes_no"]):
        return len(words) > 1
    has_verb = bool(words[1:]) and words[-1] in WORDS["asks"]
    return has_verb and _begins(answer, WORDS["perhaps"])


def _begins(folded: str, phrases: frozenset[str]) -> bool:
    return any(f"{folded} ".startswith(f"{phrase} ") for phrase in phrases)


def read_attribute(line: str) -> tuple[str, str] | None:
    """Read `colour: red`; None for other lines, addresses and times among them."""
    match = _ATTRIBUTE.match(strip_mark(line))
    return None if match is None else (match[1].strip(), match[2].strip())


def attribute_word(name: str) -> str:
    """Return the word that tells an attribute of goods: of «قیمت دونفره» `قیمت`."""
    folded = normalise(name)
    if folded in WORDS["attribute"]:
        return folded
    first = folded.split()[:1]
    return first[0] if first and first[0] in WORDS["attribute"] else ""


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
    if delimiter == "|":
        line = line.strip().removeprefix("|").removesuffix("|")
    return tuple(cell.strip() for cell in line.split(delimiter))


def find_table(lines: Sequence[str]) -> tuple[int, str, bool]:
    """Return how many first lines are rows of one table; 0 where there is none.

    With their delimiter, and whether the first is a header. A comma delimits only
    without a blank behind it, as spreadsheets write it; a header in words stands above
    at least one row. What is copied from a spreadsheet (tabs) may have none.
    """
    for delimiter in ("\t", ",", ";", "|"):
        header = cut_row(lines[0], delimiter)
        is_loose = delimiter in {"\t", "|"}
        if len(header) < 2 or (not is_loose and f"{delimiter} " in lines[0]):
            continue
        if not all(header) or (not is_loose and _GROUPED.search(lines[0])):
            continue
        has_header = not any(_FIGURE.match(cell) for cell in header)
        if not has_header and not is_loose:
            continue
        rows = 1
        while rows < len(lines) and len(cut_row(lines[rows], delimiter)) == len(header):
            rows += 1
        if rows > 1 and (len(header) > 2 or rows > 2 or delimiter == "\t"):
            return rows, delimiter, has_header
    return 0, "", False
