"""The files of the chat window, read once and named by what is in them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

PAGES = Path(__file__).parent.parent / "pages"
MEDIA_TYPES = {
    "chat.css": "text/css; charset=utf-8",
    "chat.js": "text/javascript; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served. `version` changes with its content."""

    content: bytes
    media_type: str
    version: str


def load_assets() -> dict[str, Asset]:
    """Load the files by name."""
    assets: dict[str, Asset] = {}
    for name, media_type in MEDIA_TYPES.items():
        content = (PAGES / name).read_bytes()
        version = hashlib.sha256(content).hexdigest()[:12]
        assets[name] = Asset(content, media_type, version)
    return assets


def load_templates() -> Environment:
    """Load the templates; what they show is escaped, and what is missing an error."""
    return Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
