"""Assets: at addresses of their content, ours small, foreign ones from a lock file."""

import gzip
import json
import re
from pathlib import Path

import pytest

from deployments.console.assets import FOLDER, STATIC, load_assets
from deployments.console.rendering import build_headers

MAX_SCRIPT_LINES = 1000
LOCK = (FOLDER / "package-lock.json").read_text(encoding="utf-8")


def test_without_the_packages_the_pages_have_their_style_and_no_script(
    tmp_path: Path,
) -> None:
    assets = load_assets(modules=tmp_path)
    assert [*assets.urls] == ["console.css"]
    assert (assets.import_map, assets.modules) == ("", ())
    style = assets.by_url[assets.urls["console.css"]].content.decode()
    assert "local(none)" in style
    assert "woff2" not in re.sub(r'format\("woff2"\)', "", style)


@pytest.mark.skipif(not load_assets().import_map, reason="npm has installed no scripts")
def test_with_the_packages_each_import_has_an_address() -> None:
    assets = load_assets()
    imports: dict[str, str] = json.loads(assets.import_map)["imports"]
    names = {
        name
        for path in STATIC.glob("*.js")
        for name in re.findall(r'from "([^"]+)"', path.read_text(encoding="utf-8"))
    }
    assert names <= imports.keys()
    assert {*imports.values()} <= assets.by_url.keys()
    assert assets.modules == (*imports.values(),)
    for asset in assets.by_url.values():
        assert not asset.zipped or gzip.decompress(asset.zipped) == asset.content
    assert assets.import_map_hash in build_headers("x")["Content-Security-Policy"]


def test_an_address_changes_with_the_content(tmp_path: Path) -> None:
    for path in STATIC.glob("*.css"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    before = load_assets(tmp_path, tmp_path).urls["console.css"]
    with (tmp_path / "pages.css").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert load_assets(tmp_path, tmp_path).urls["console.css"] != before


def test_our_scripts_stay_small() -> None:
    lines = sum(
        len(path.read_text(encoding="utf-8").splitlines())
        for path in STATIC.glob("*.js")
    )
    assert lines < MAX_SCRIPT_LINES


def test_styles_know_no_left_and_no_right() -> None:
    for path in STATIC.glob("*.css"):
        style = path.read_text(encoding="utf-8")
        rules = re.sub(r"/\*.*?\*/|@font-face \{.*?\}", "", style, flags=re.DOTALL)
        # `.right` is that of replying.
        assert not re.search(r"(?<!\.)\b(left|right)\b", rules), path
        physical = r"\b(margin|padding|border)-(top|bottom)\b|[^-](width|height):"
        assert not re.search(physical, rules), path


def test_the_lock_file_names_versions_and_hashes_and_no_address() -> None:
    packages: dict[str, dict[str, object]] = json.loads(LOCK)["packages"]
    foreign = [one for name, one in packages.items() if name]
    assert foreign
    for one in foreign:
        assert str(one["integrity"]).startswith("sha512-")
        # Where to give to its authors is npm's to write, and fetches nothing.
        rest = {key: value for key, value in one.items() if key != "funding"}
        assert "resolved" not in rest
        assert "http" not in json.dumps(rest)
    wanted = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    for kind in ("dependencies", "devDependencies"):
        assert all(re.fullmatch(r"[\d.]+", one) for one in wanted[kind].values())
