"""Rules of the house that no linter knows."""

import re
import subprocess
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


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_opens_by_saying_what_it_knows(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith('"""')


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
