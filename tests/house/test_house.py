"""Rules of the house that no linter knows."""

import ast
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from config.flags import FlagName
from config.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
PACKAGES = ("config", "retrieval", "persistence", "actors", "deployments")
SOURCES = sorted(
    path for package in PACKAGES for path in (ROOT / package).rglob("*.py")
)
MAX_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_FILES = 20
#: `persistence/` has a module and a file of SQL per noun, and a revision per change.
ROOMS = ("actors", "config", "deployments", "retrieval", "tests")


def tracked() -> list[Path]:
    """Return the files that git knows, or all sources outside a checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - git is found where it is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = [name for name in listed.stdout.split("\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()] or SOURCES


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_can_be_held_in_the_head(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


# A revision of the schema is never edited, not even its docstring.
@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if path.parent.name != "versions"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_file_opens_by_saying_what_it_knows(path: Path) -> None:
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    assert first.startswith('"""')
    assert len(first) <= 88
    # A sentence about a noun, or an order: what "it" or "who" is, comes later.
    assert first[3:].partition(" ")[0] not in ("Who", "What", "It", "One")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_function_fits_on_a_screen(path: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [f.name for f in functions if span(f) > MAX_FUNCTION_LINES] == []


def span(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def count_files() -> Counter[str]:
    """Return how many files each folder holds beside its sub-folders."""
    counts: Counter[str] = Counter()
    for path in tracked():
        relative = path.relative_to(ROOT)
        if relative.parts[0] in ROOMS and path.name != "__init__.py":
            counts[str(relative.parent)] += 1
    return counts


def test_a_folder_can_be_overlooked() -> None:
    assert {room: n for room, n in count_files().items() if n > MAX_FILES} == {}


def test_deployments_keeps_at_most_eight_files_at_its_top() -> None:
    assert count_files()["deployments"] <= 8


def test_a_test_that_may_take_long_is_marked_as_slow() -> None:
    # `-m "not slow and not cluster"` leaves out all that take more than seconds.
    longest = re.compile(r"mark\.timeout\(\w+")
    strays = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        if len(longest.findall(text := path.read_text(encoding="utf-8")))
        > len(re.findall(r"mark\.(?:slow|cluster)\b", text))
    ]
    assert strays == []


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    documented = set(re.findall(rf"^#?({PREFIX}[A-Z_]+)=", text, re.MULTILINE))
    assert documented == {f"{PREFIX}{name}".upper() for name in Settings.model_fields}


def test_predecessor_faults_g3_every_flag_is_read_somewhere() -> None:
    # A declaration names each flag once; who reads it names it again.
    code = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    idle = [
        name
        for name in FlagName
        if len(re.findall(rf"\bFlagName\.{name.name}\b", code)) < 2
    ]
    assert idle == []


def test_remote_calls_are_written_only_in_clients_and_deployments() -> None:
    # `ray.remote(Class)` declares an actor; it calls none.
    call = re.compile(r"(?<!\bray)\.remote\(")
    strays = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if call.search(path.read_text(encoding="utf-8"))
        and path.name != "client.py"
        and "deployments" not in path.relative_to(ROOT).parts
    ]
    assert strays == []


def test_sql_is_written_only_in_persistence() -> None:
    statement = re.compile(r"\b(SELECT .+ FROM|INSERT INTO|UPDATE \w+ SET)\b")
    strays = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if statement.search(path.read_text(encoding="utf-8"))
        and "persistence" not in path.relative_to(ROOT).parts
    ]
    assert strays == []


def test_the_lock_names_versions_and_no_host() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").split()
    assert "torch==2.13.0" in lines
    assert all(re.fullmatch(r"[\w.-]+==[\w.+!-]+", line) for line in lines)


def test_nothing_that_is_committed_holds_a_private_path_or_key() -> None:
    private = re.compile(r"/work/|/root/|BEGIN [A-Z ]*PRIVATE KEY")
    strays = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path != Path(__file__)
        and private.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert strays == []
