"""Scripts, styles and fonts of the console, at addresses that follow their content.

Turbo, Stimulus and the font are installed by npm from the lock file of this folder, at
set-up, and packed into the wheel. Where they are missing the pages are plain HTML with
the system's fonts.

Modules import each other by name, and an inline map in the head gives the names their
addresses; the pages' policy lets it in by its hash. Addresses written into the modules
instead would need no map, but a parser of our scripts, an order in which to load them
(the address of a module would follow from the content of all below it), and a new
address for every module above the one that changed.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from deployments.http.assets import MEDIA_TYPES, compute_version

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
MODULES = FOLDER / "node_modules"
PREFIX = "/console/assets/"
#: Foreign modules by the name by which ours import them.
SCRIPTS: Mapping[str, str] = MappingProxyType(
    {
        "@hotwired/turbo": "@hotwired/turbo/dist/turbo.es2017-esm.js",
        "@hotwired/stimulus": "@hotwired/stimulus/dist/stimulus.js",
    }
)
_FONTS = "@fontsource-variable/vazirmatn/files/vazirmatn-"
FONTS: Mapping[str, str] = MappingProxyType(
    {
        "vazirmatn-arabic.woff2": f"{_FONTS}arabic-wght-normal.woff2",
        "vazirmatn-latin.woff2": f"{_FONTS}latin-wght-normal.woff2",
    }
)
#: The layers in their order; the pages link one file.
STYLES = ("tokens.css", "base.css", "parts.css", "pages.css")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served; `zipped` is empty where that would gain nothing."""

    url: str
    media_type: str
    content: bytes
    zipped: bytes


@dataclass(frozen=True)
class Assets:
    """All files by their addresses, and what the pages' heads need."""

    by_url: Mapping[str, Asset] = field(default_factory=dict)
    #: Addresses by file name.
    urls: Mapping[str, str] = field(default_factory=dict)
    #: The map of imports as JSON; empty where Turbo or Stimulus is missing.
    import_map: str = ""
    #: Addresses of all modules: named in the head, they are fetched at once.
    modules: tuple[str, ...] = ()

    @property
    def import_map_hash(self) -> str:
        """The hash by which the pages' policy lets the inline map in."""
        digest = hashlib.sha256(self.import_map.encode()).digest()
        return f"sha256-{base64.b64encode(digest).decode()}"


def load_assets(static: Path = STATIC, modules: Path = MODULES) -> Assets:
    """Load the files of both folders; of `modules` what is there."""
    found: dict[str, Asset] = {}
    for name, path in FONTS.items():
        if (modules / path).is_file():
            found[name] = _make(name, (modules / path).read_bytes())
    styles = "\n".join((static / name).read_text(encoding="utf-8") for name in STYLES)
    found["console.css"] = _make("console.css", _link_fonts(styles, found).encode())
    imports: dict[str, str] = {}
    has_scripts = all((modules / path).is_file() for path in SCRIPTS.values())
    if has_scripts:
        for name, module in SCRIPTS.items():
            file = f"{name.rpartition('/')[2]}.js"
            found[file] = _make(file, (modules / module).read_bytes())
            imports[name] = found[file].url
        for script in sorted(static.glob("*.js")):
            found[script.name] = _make(script.name, script.read_bytes())
            imports[f"console/{script.stem}"] = found[script.name].url
    return Assets(
        MappingProxyType({asset.url: asset for asset in found.values()}),
        MappingProxyType({name: asset.url for name, asset in found.items()}),
        json.dumps({"imports": imports}) if has_scripts else "",
        tuple(imports.values()),
    )


def _make(name: str, content: bytes) -> Asset:
    stem, _, suffix = name.rpartition(".")
    version = compute_version(content)
    zipped = b"" if suffix == "woff2" else gzip.compress(content, 9, mtime=0)
    media_type = MEDIA_TYPES[f".{suffix}"]
    return Asset(f"{PREFIX}{stem}.{version}.{suffix}", media_type, content, zipped)


def _link_fonts(styles: str, found: Mapping[str, Asset]) -> str:
    """Put the fonts' addresses into the styles."""
    for name in FONTS:
        url = found[name].url if name in found else ""
        styles = styles.replace(
            f'url("{name}")', f'url("{url}")' if url else "local(none)"
        )
    return styles
