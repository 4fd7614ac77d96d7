"""Templates, scripts and styles of pages, versioned by their content."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served. `version` changes with its content."""

    content: bytes
    media_type: str
    version: str


def load_assets(folder: Path) -> dict[str, Asset]:
    """Load the scripts and styles of a folder, by file name."""
    assets: dict[str, Asset] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in MEDIA_TYPES:
            content = path.read_bytes()
            version = compute_version(content)
            assets[path.name] = Asset(content, MEDIA_TYPES[path.suffix], version)
    return assets


def compute_version(content: bytes) -> str:
    """Compute the part of an address that changes with the content: 12 hex digits."""
    return hashlib.sha256(content).hexdigest()[:12]


def load_templates(folder: Path) -> Environment:
    """Load the templates of a folder, with autoescape and strict variables."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
