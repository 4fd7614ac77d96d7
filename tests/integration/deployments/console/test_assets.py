"""Assets over HTTP and out of a built wheel: cached for ever, zipped, complete."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deployments.console.assets import FONTS, SCRIPTS, load_assets
from tests.house.test_house import PACKAGES, ROOT, tracked
from tests.integration.deployments.console.conftest import Visitor

CONSOLE = "deployments/console"
#: What only makes or checks the files that pages need.
TOOLING = {"package.json", "package-lock.json", "jsconfig.json", "turbo.d.ts"}
LICENCES = {
    "NOTICE.txt",
    "node_modules/@hotwired/stimulus/LICENSE.md",
    "node_modules/@fontsource-variable/vazirmatn/LICENSE",
}


async def test_every_asset_may_be_kept_for_ever(stranger: Visitor) -> None:
    for asset in load_assets().by_url.values():
        answer = await stranger.get(asset.url)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"] == asset.media_type
        assert answer.headers["vary"] == "Accept-Encoding"
        # The client unzips what came zipped.
        assert answer.content == asset.content
        is_zipped = answer.headers.get("content-encoding") == "gzip"
        assert is_zipped == bool(asset.zipped)


async def test_who_cannot_unzip_gets_the_file_as_it_is(stranger: Visitor) -> None:
    url = load_assets().urls["console.css"]
    stranger.client.headers["accept-encoding"] = "identity"
    plain = await stranger.get(url)
    assert "content-encoding" not in plain.headers
    stranger.client.headers["accept-encoding"] = "gzip"
    zipped = await stranger.get(url)
    assert int(zipped.headers["content-length"]) < int(plain.headers["content-length"])


@pytest.mark.parametrize(
    "name",
    ["console.css", "console.000000000000.css", "tokens.css", "..%2Fassets.py"],
)
async def test_an_address_of_no_content_is_not_found(
    stranger: Visitor, name: str
) -> None:
    answer = await stranger.get(f"/console/assets/{name}")
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("cache-control", "")


async def test_a_page_links_its_assets_by_their_content(stranger: Visitor) -> None:
    assets = load_assets()
    page = await stranger.get("/console/sign-in")
    assert assets.urls["console.css"] in page.text
    assert ("importmap" in page.text) == bool(assets.import_map)
    if assets.import_map:
        assert assets.import_map in page.text
        # A page that is open when a module changes is loaded anew by the next visit.
        assert '<script type="importmap" data-turbo-track="reload">' in page.text
        for url in assets.modules:
            assert f'<link rel="modulepreload" href="{url}">' in page.text


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this tree, unpacked."""
    tree = tmp_path_factory.mktemp("tree")
    ignored = shutil.ignore_patterns("__pycache__", "*typescript", ".bin")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=ignored)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tree)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel"]
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, *options, "--wheel-dir", "built", "."], cwd=tree, check=True)
    [built] = (tree / "built").glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(tree / "unpacked")
    return tree / "unpacked"


@pytest.mark.timeout(300)
@pytest.mark.slow
def test_a_wheel_holds_each_file_of_the_packages_and_no_tool(wheel: Path) -> None:
    wanted = {
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.relative_to(ROOT).parts[0] in PACKAGES and path.name not in TOOLING
    }
    held = {str(path.relative_to(wheel)) for path in wheel.rglob("*") if path.is_file()}
    assert wanted - held == set()
    assert {name for name in held if Path(name).name in TOOLING} == set()


@pytest.mark.timeout(300)
@pytest.mark.slow
@pytest.mark.skipif(not load_assets().import_map, reason="npm has installed no scripts")
def test_a_wheel_needs_no_npm(wheel: Path) -> None:
    console = wheel / CONSOLE
    carried = load_assets(console / "static", console / "node_modules")
    assert carried == load_assets()
    foreign = {
        str(path.relative_to(console))
        for path in (console / "node_modules").rglob("*")
        if path.is_file()
    }
    files = {f"node_modules/{path}" for path in (*SCRIPTS.values(), *FONTS.values())}
    assert foreign == files | (LICENCES - {"NOTICE.txt"})
    assert all((console / licence).stat().st_size for licence in LICENCES)
