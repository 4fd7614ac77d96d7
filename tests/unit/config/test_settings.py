"""Settings: a wrong value is one clear line, a right one reaches every process."""

from pathlib import Path

import pytest

from config.settings import Settings, SettingsError, load_settings
from deployments.answers.llm import GEMINI_BASE_URL, resolve_llm

KEY = "hush-0123456789-abcdefghijklmnop"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `.env`, and none of the variables of who runs the tests."""
    import os

    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("PILITO_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PILITO_HTTP_PORT", "http"),
        ("PILITO_HTTP_PORT", "70000"),
        ("PILITO_SHARDS", "0"),
        ("PILITO_INSTAGRAM_GRAPH_URL", "graph.example"),
        ("PILITO_INSTAGRAM_GRAPH_URL", "http://"),
        ("PILITO_PUBLIC_URL", "https:// shop.example"),
        ("PILITO_LLM_BASE_URL", "http://localhost:port/v1"),
        ("PILITO_HEALTH_INTERVAL_CRON", "every day"),
        ("PILITO_REPLY_DEBOUNCE_S", "-1"),
        ("PILITO_SHARD", "2"),
        ("PILITO_REDIS_URL", "localhost:6379"),
        ("PILITO_REDIS_URL", "redis://:geh/eim@localhost"),
        ("PILITO_DATABASE_URL", "mysql://pilito@localhost/pilito"),
        ("PILITO_DATABASE_URL", "postgresql://pilito:hu#sh@localhost/pilito"),
        ("PILITO_DATABASE_URL", "postgresql://pilito@localhost:port/pilito"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)
    assert "geh" not in str(caught.value)
    assert "hu#" not in str(caught.value)


def test_a_secret_can_come_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n", encoding="utf-8")
    monkeypatch.setenv("PILITO_SECRET_KEY_FILE", str(file))
    key = load_settings().secret_key
    assert key is not None
    assert key.get_secret_value() == KEY
    assert "hush" not in repr(load_settings())


def test_dotenv_can_name_the_file_of_a_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")
    (tmp_path / ".env").write_text("PILITO_SECRET_KEY_FILE=key\n", encoding="utf-8")
    key = load_settings().secret_key
    assert key is not None
    assert key.get_secret_value() == KEY


def test_a_worker_that_was_given_the_secret_reads_no_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PILITO_SECRET_KEY_FILE=gone\n", encoding="utf-8")
    monkeypatch.setenv("PILITO_SECRET_KEY", KEY)
    key = load_settings().secret_key
    assert key is not None
    assert key.get_secret_value() == KEY


def test_dotenv_with_a_misspelt_file_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PILITO_SECRET_KEYS_FILE=key\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"PILITO_SECRET_KEYS_FILE: no such"):
        load_settings()


def test_the_password_of_a_new_user_may_be_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PILITO_PASSWORD", "for createuser")
    assert load_settings() == Settings()


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILITO_SECRET_KEY_FILE", "nowhere")
    with pytest.raises(SettingsError, match=r"PILITO_SECRET_KEY_FILE: .*nowhere"):
        load_settings()


def test_settings_read_the_same_in_another_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings(shards=3, data_dir=Path("here"))
    environment: dict[str, str] = {}
    settings.export(environment, database_url="postgresql://x")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    again = load_settings()
    assert again.shards == 3
    assert again.data_dir == Path("here").resolve()
    assert again.database_url is not None


@pytest.mark.parametrize(
    ("settings", "base_url"),
    [
        ({}, None),
        ({"gemini_api_key": "k"}, GEMINI_BASE_URL),
        ({"openai_api_key": "k"}, "https://api.openai.com/v1"),
        ({"llm_base_url": "http://localhost:1/v1"}, "http://localhost:1/v1"),
        (
            {"gemini_api_key": "k", "llm_base_url": "http://localhost:1/v1"},
            "http://localhost:1/v1",
        ),
    ],
)
def test_the_model_follows_from_the_keys(
    settings: dict[str, str], base_url: str | None
) -> None:
    endpoint = resolve_llm(Settings.model_validate(settings))
    assert (endpoint.base_url if endpoint else None) == base_url
