"""The environment that Ray reads."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.runtime.environment import build_environment
from deployments.runtime.ports import BLOCK, Ports
from deployments.runtime.ray_workarounds.haproxy import WRAPPER
from deployments.runtime.runtime_dir import RuntimeDir

WORKER_SETUP = "__RAY_WORKER_PROCESS_SETUP_HOOK_ENV_VAR"


@pytest.fixture(autouse=True)
def _without_rays_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)


def build(tmp_path: Path, base: int = 20_000) -> dict[str, str]:
    folder = RuntimeDir(tmp_path / str(base))
    token = tmp_path / "token"
    return dict(build_environment(folder, Ports(base), token_path=token))


def test_nothing_that_is_one_per_machine_is_shared_by_two_runtimes(
    tmp_path: Path,
) -> None:
    first, second = build(tmp_path, 20_000), build(tmp_path, 20_000 + BLOCK)
    ends = ("_PORT", "_LOC", "_BASE", "_FILE", "_SOCKET_PATH")
    places = [name for name in first if name.endswith(ends)]
    assert len(places) == 14
    assert [name for name in places if first[name] == second[name]] == []


def test_only_readers_of_the_data_directory_may_use_ray(tmp_path: Path) -> None:
    first = build(tmp_path)
    token = tmp_path / "token"
    assert first["RAY_AUTH_MODE"] == "token"
    assert first["RAY_AUTH_TOKEN_PATH"] == str(token)
    assert token.stat().st_mode & 0o077 == 0
    kept = token.read_text()
    assert len(kept) == 64
    build(tmp_path)
    assert token.read_text() == kept


def test_a_user_who_decides_about_rays_authentication_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert not [name for name in build(tmp_path) if name.startswith("RAY_AUTH")]
    assert not (tmp_path / "token").exists()


def test_a_user_may_tune_but_not_misplace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_SERVE_HAPROXY_NBTHREAD", "8")
    monkeypatch.setenv("RAY_SERVE_HAPROXY_STATS_PORT", "8404")
    environment = build(tmp_path)
    assert environment["RAY_SERVE_HAPROXY_NBTHREAD"] == "8"
    assert environment["RAY_SERVE_HAPROXY_STATS_PORT"] == "20001"


def test_what_it_names_exists(tmp_path: Path) -> None:
    environment = build(tmp_path)
    assert WRAPPER.stat().st_mode & 0o111
    assert Path(environment["HAPROXY_PROGRAM"]).is_file()
    module, _, function = environment[WORKER_SETUP].rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize(
    "module",
    [
        "deployments.runtime",
        "deployments.commands.cli",
        "deployments.runtime.ray_workarounds.loopback",
    ],
)
def test_ray_is_not_imported_before_its_environment_is_set(module: str) -> None:
    # Serve reads most of these variables when it is imported, and never again.
    code = f"import sys, {module}; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
