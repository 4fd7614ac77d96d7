"""Secrets never reach a log line."""

from pathlib import Path

import pytest

from config.logging import mask_secrets, rotate_logs


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("access_token", "EAAB1234567890abcdef"),
        ("password", "demo"),
        ("event", "GET /me?access_token=EAAB1234567890abcdef failed"),
        ("error", "header was Bearer abcdef1234567890"),
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
