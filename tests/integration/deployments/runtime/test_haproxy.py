"""The program that stands in for HAProxy, judged by the real HAProxy."""

import subprocess
from pathlib import Path

import pytest

from deployments.runtime.ray_workarounds.haproxy import WRAPPER, find_haproxy

METRICS, STATS, HTTP = 20_000, 20_001, 8000

#: The lines of Ray's template that matter, as Ray renders them.
CONFIG = """\
global
    maxconn 100
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
    errorfile 503 {folder}/500.http
frontend prometheus
    bind :{metrics}
    no log
frontend http_frontend
    bind {host}:{http}
    default_backend default_backend
backend default_backend
    http-request return status 404 content-type text/plain lf-string "Path '%[path]'."
listen stats
  bind *:{stats}
  stats enable
"""


def run(folder: Path, program: Path, *arguments: str, host: str = "*") -> str:
    config = folder / "haproxy.cfg"
    config.write_text(
        CONFIG.format(folder=folder, host=host, metrics=METRICS, http=HTTP, stats=STATS)
    )
    finished = subprocess.run(
        [WRAPPER, *arguments, "-f", config],
        env={
            "PATH": "/usr/bin:/bin",
            "HAPROXY_PROGRAM": str(program),
            "RAY_SERVE_HAPROXY_METRICS_PORT": str(METRICS),
            "RAY_SERVE_HAPROXY_STATS_PORT": str(STATS),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def binds(folder: Path) -> list[str]:
    lines = (folder / "haproxy.cfg").read_text().splitlines()
    return [line.split()[1] for line in lines if line.split()[:1] == ["bind"]]


@pytest.mark.parametrize("host", ["*", "127.0.0.1", "192.0.2.1"])
def test_only_the_http_port_listens_where_the_user_wants(
    tmp_path: Path, host: str
) -> None:
    run(tmp_path, Path("/bin/true"), host=host)
    assert binds(tmp_path) == [
        f"127.0.0.1:{METRICS}",
        f"{host}:{HTTP}",
        f"127.0.0.1:{STATS}",
    ]


def test_ray_recognises_its_own_process_by_the_arguments(tmp_path: Path) -> None:
    config = tmp_path / "haproxy.cfg"
    said = run(tmp_path, Path("/bin/echo"), "-db", "-sf", "12")
    assert said.split() == ["-db", "-sf", "12", "-f", str(config)]


def test_without_replicas_a_client_is_asked_to_come_again(tmp_path: Path) -> None:
    run(tmp_path, Path("/bin/true"))
    page = (tmp_path / "500.http").read_bytes()
    head, _, body = page.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"status 404" not in (tmp_path / "haproxy.cfg").read_bytes()


def test_haproxy_accepts_what_comes_out(tmp_path: Path) -> None:
    run(tmp_path, find_haproxy(), "-c")


def test_it_is_still_what_rays_template_looks_like() -> None:
    # Read as text: importing Serve here would cost seconds.
    folder = find_haproxy().parents[2] / "ray" / "serve" / "_private"
    template = (folder / "haproxy_templates.py").read_text()
    for line in (
        "    bind :{{ config.metrics_port }}\n",
        "  bind *:{{ config.stats_port }}\n",
        "    http-request return status 404 ",
        "    errorfile 503 {{ config.error_file_path }}\n",
    ):
        assert line in template
