"""Folders and logs: nobody else's is opened or changed, and ours are nobody else's."""

import logging
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import structlog

from config.logging import WORKFLOW, rotate_logs, setup_logging
from config.settings import Settings
from deployments.answers.rag_metrics import log_retrieval
from deployments.runtime.data_dir import locked_data_dir
from deployments.runtime.exposure import collect_warnings
from deployments.runtime.terminal import Terminal
from persistence.embedded.folders import (
    FolderRefusedError,
    make_private_folder,
    open_way,
)
from persistence.embedded.server import EmbeddedPostgres
from persistence.ids import TenantId
from retrieval.answer.context import Performance, QueryAnalysis, RetrievedContext

NOBODY = pwd.getpwnam("nobody")
US = pwd.getpwuid(os.geteuid())
TENANT = TenantId(UUID(int=1))
#: Only root may give folders away, and only as root another user runs the server.
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is not among the temporary ones, and closed to others below."""
    folder = Path(tempfile.mkdtemp(prefix="way-"))
    folder.chmod(0o755)
    elsewhere = folder / "tmp"
    elsewhere.mkdir(mode=0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    yield folder
    shutil.rmtree(folder)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@as_root
def test_trust_l6_a_closed_folder_that_is_not_ours_is_named_and_left(
    place: Path,
) -> None:
    closed = place / "closed"
    data = closed / "var" / "postgres"
    data.parent.mkdir(parents=True)
    closed.chmod(0o700)
    with pytest.raises(FolderRefusedError) as caught:
        EmbeddedPostgres(data).start()
    assert f"chmod o+x {closed}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert mode(closed) == 0o700


@as_root
def test_trust_l6_no_home_directory_is_opened(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = place / "tmp" / "sara"
    home.mkdir(mode=0o700)
    (home / "var").mkdir(mode=0o700)
    person = pwd.struct_passwd(("sara", "x", 1000, 1000, "", str(home), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwall", lambda: [person])
    # Neither as the data directory itself nor on the way to it.
    for data_dir in (home, home / "var"):
        with pytest.raises(FolderRefusedError, match="chmod o\\+x"):
            open_way((data_dir / "postgres",), data_dir, NOBODY)
        assert (mode(home), mode(home / "var")) == (0o700, 0o700)


@as_root
def test_trust_l6_the_data_directory_itself_lets_the_server_pass(place: Path) -> None:
    data_dir = place / "var"
    (data_dir / "logs").mkdir(parents=True)
    for path in (data_dir, data_dir / "logs"):
        path.chmod(0o700)
    open_way((data_dir / "logs" / "postgres",), data_dir, NOBODY)
    # Passing through, not looking around.
    assert (mode(data_dir), mode(data_dir / "logs")) == (0o701, 0o701)


def test_trust_s7_a_link_or_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "loose").symlink_to(tmp_path / "nothing")
    (tmp_path / "file").touch()
    for name in ("link", "loose", "file"):
        with pytest.raises(FolderRefusedError, match="remove it"):
            make_private_folder(tmp_path / name, NOBODY)
    assert (mode(target), target.stat().st_uid) == (0o755, os.geteuid())
    assert not (tmp_path / "nothing").exists()


@as_root
def test_trust_s7_a_folder_of_somebody_else_is_not_taken_over(tmp_path: Path) -> None:
    folder = tmp_path / "pilito-pg"
    folder.mkdir(mode=0o777)
    stranger = NOBODY.pw_uid - 1
    os.chown(folder, stranger, stranger)
    with pytest.raises(FolderRefusedError, match="belongs to another user"):
        make_private_folder(folder, NOBODY)
    assert folder.stat().st_uid == stranger


def test_trust_s7_a_folder_of_ours_is_made_private(tmp_path: Path) -> None:
    owner = NOBODY if os.geteuid() == 0 else US
    for _ in range(2):
        make_private_folder(tmp_path / "ours", owner)
        assert mode(tmp_path / "ours") == 0o700
        assert (tmp_path / "ours").stat().st_uid == owner.pw_uid
        (tmp_path / "ours").chmod(0o755)


def test_trust_l7_the_data_directory_and_its_logs_are_the_owners_alone(
    tmp_path: Path,
) -> None:
    data_dir = tmp_path / "var"
    handlers, umask = logging.getLogger().handlers, os.umask(0o022)
    try:
        with locked_data_dir(data_dir), Terminal(data_dir / "logs" / "output.log"):
            setup_logging(data_dir / "logs", "part")
            logging.getLogger("x").warning("a line")
            logging.getLogger(WORKFLOW).warning("a line")
            # A file that is begun again after it was moved aside is as private.
            rotate_logs(data_dir / "logs", max_bytes=1)
            logging.getLogger("x").warning("a line")
    finally:
        os.umask(umask)
        opened = (*logging.getLogger().handlers, *logging.getLogger(WORKFLOW).handlers)
        for handler in opened:
            handler.close()
        logging.getLogger().handlers = handlers
        structlog.reset_defaults()
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"part.log", "part.log.1", "output.log"}
    assert {mode(path) & 0o077 for path in files} == {0}
    assert {mode(path) for path in (data_dir, data_dir / "logs")} == {0o700}


def test_trust_l7_the_debug_flag_logs_no_word_of_a_customer() -> None:
    secret = "کد ملی من ۰۰۱۲۳۴۵۶۷۸ است"
    context = RetrievedContext(
        primary_context="",
        secondary_context="",
        sources_used=[],
        total_chunks=0,
        retrieval_method="none",
        performance=Performance(
            latency_ms=0.0,
            embedding_ms=0.0,
            search_ms=0.0,
            context_ms=0.0,
            reranking_used=False,
            query_complexity=0.0,
            dense_candidates=0,
            sparse_candidates=0,
            fused_candidates=0,
            degraded={},
        ),
        chunks=[],
        relevance=0.0,
        analysis=QueryAnalysis(
            language="fa",
            complexity=0.0,
            intent="general",
            written_form=secret,
            synonyms=[secret],
            primary_source="faq",
            secondary_sources=[],
            primary_budget=1,
            secondary_budget=1,
        ),
    )
    with structlog.testing.capture_logs() as logs:
        log_retrieval(TENANT, None, secret, context)
    (line,) = logs
    assert line["query_chars"] == len(secret)
    assert line["analysis"]["language"] == "fa"
    assert "۰۰۱۲۳۴۵۶۷۸" not in str(line)


def test_trust_s5_a_joined_cluster_is_told_about_its_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings()
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    assert "Ray cluster" not in collect_warnings(settings)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:6379")
    warnings = collect_warnings(settings)
    assert "docs/keys.md" in warnings["Ray cluster"]
    assert "everybody" in warnings["Ray token"]
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    assert "Ray token" not in collect_warnings(settings)
    page = Path(__file__).parents[3] / "docs" / "keys.md"
    assert "## The network" in page.read_text(encoding="utf-8")
