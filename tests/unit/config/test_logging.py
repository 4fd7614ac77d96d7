"""Secrets never reach a log line."""

import builtins
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import pytest
import structlog

from config.logging import mask_secrets, rotate_logs
from tests.support.logs import written_log


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("access_token", "EAAB1234567890abcdef"),
        ("password", "demo"),
        ("event", "GET /me?access_token=EAAB1234567890abcdef failed"),
        ("error", "header was Bearer abcdef1234567890"),
        ("error", "123456:AAE-abcdefghij_klmnopqr is no good"),
        ("url", "https://api.telegram.org/bot123456:AAEabcdefghij/getMe"),
    ],
)
def test_a_secret_is_masked_by_name_and_inside_texts(key: str, value: str) -> None:
    masked = str(mask_secrets(None, "info", {key: value})[key])
    assert "***" in masked
    assert "abcdef" not in masked
    assert masked != value


def test_a_plain_text_is_left_alone() -> None:
    event: dict[str, object] = {"event": "سلام", "count": 3}
    assert mask_secrets(None, "info", dict(event)) == event


def test_a_log_that_grew_is_moved_aside_and_old_ones_make_room(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    for round_ in range(4):
        log.write_text(str(round_) * 10, encoding="ascii")
        rotate_logs(tmp_path, max_bytes=10, kept=2)
    assert not log.exists()
    assert (tmp_path / "web.log.1").read_text(encoding="ascii") == "3" * 10
    assert (tmp_path / "web.log.2").read_text(encoding="ascii") == "2" * 10
    assert not (tmp_path / "web.log.3").exists()


def test_a_part_goes_on_writing_when_its_log_is_moved_aside(tmp_path: Path) -> None:
    with written_log(tmp_path, "web"):
        log = structlog.get_logger("web")
        log.info("before")
        rotate_logs(tmp_path, max_bytes=1)
        log.info("after")
    for name, said in (("web.log.1", "before"), ("web.log", "after")):
        assert (
            json.loads((tmp_path / name).read_text(encoding="utf-8"))["event"] == said
        )


def test_a_log_with_a_keeper_of_its_own_is_left_to_it(tmp_path: Path) -> None:
    (tmp_path / "health.log").write_text("{}", encoding="utf-8")
    rotate_logs(tmp_path, max_bytes=1)
    assert (tmp_path / "health.log").exists()


def test_redirects_are_written_to_a_log_of_their_own(tmp_path: Path) -> None:
    with written_log(tmp_path, "shards"):
        structlog.get_logger("workflow").info("✓ redirected", conversation_id="7")
        structlog.get_logger("conversation").info("⏳ waiting")
        written = (tmp_path / "workflow.log").read_text(encoding="utf-8")
        others = (tmp_path / "shards.log").read_text(encoding="utf-8").splitlines()
    line = json.loads(written)
    assert (line["event"], line["conversation_id"]) == ("✓ redirected", "7")
    # Who reads one part's log misses nothing of what that part did.
    assert [json.loads(one)["event"] for one in others] == [
        "✓ redirected",
        "⏳ waiting",
    ]


def test_a_traceback_is_one_readable_text_also_where_print_is_not_pythons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python_print = builtins.print

    # As Ray Serve puts it into its replicas.
    def redirected(*objects: object, file: TextIO, end: str = "\n") -> None:
        python_print(objects, file=file, end=end)

    with written_log(tmp_path, "web"):
        monkeypatch.setattr(builtins, "print", redirected)
        try:
            raise ZeroDivisionError  # noqa: TRY301 - its traceback is what is read
        except ZeroDivisionError:
            structlog.get_logger("web").exception("crashed")
    written = json.loads((tmp_path / "web.log").read_text(encoding="utf-8"))
    first, second, *_, last = written["exception"].split("\n")
    assert first.startswith("Traceback")
    assert second.startswith('  File "')
    assert last == "ZeroDivisionError"


def test_a_time_is_written_as_the_api_writes_it(tmp_path: Path) -> None:
    with written_log(tmp_path, "web"):
        structlog.get_logger("web").info("set", at=datetime(2026, 2, 1, tzinfo=UTC))
    written = json.loads((tmp_path / "web.log").read_text(encoding="utf-8"))
    assert written["at"] == "2026-02-01T00:00:00+00:00"
