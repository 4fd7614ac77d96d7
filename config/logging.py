"""Sets up logging: JSON lines, one file per part, secrets masked.

Several processes append to one file through `WatchedFileHandler`, and only `pilito up`
moves files aside: two rotating handlers on one file would lose lines.
"""

import logging
import logging.handlers
import os
import re
import sys
import traceback
from collections.abc import MutableMapping
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path

import structlog
from structlog.typing import ExcInfo, Processor

#: Size in bytes past which a file is moved aside.
MAX_LOG_BYTES = 10 * 1024 * 1024
#: Log of the redirects of all processes.
WORKFLOW = "workflow"
#: Number of old files kept per part.
KEPT_LOGS = 5
#: Files whose own writers rotate them.
_KEPT_BY_OTHERS = frozenset({"health.log", "output.log"})

_SECRET_NAMES = re.compile(
    r"token|secret|password|authorization|api_key|cookie", re.IGNORECASE
)
_SECRET_TEXT = re.compile(r"(?i)(bearer\s+|token=|visitor_hash=|bot)([\w:.~+/-]{12,})")
#: A bot token outside a URL: its number, a colon and its secret.
_BOT_TOKEN = re.compile(r"\b\d{5,}:[\w-]{20,}")


class _PrivateFileHandler(logging.handlers.WatchedFileHandler):
    """Creates its file for the owner alone: a log names customers' conversations."""

    def _open(self) -> TextIOWrapper:
        # The handler's own way of opening has no place for the mode of a new file.
        file = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(file, "a", encoding=self.encoding, errors=self.errors)


def mask_secrets(
    _logger: object, _method: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """Mask values that are secrets by name, and tokens inside texts."""
    for key, value in event.items():
        if _SECRET_NAMES.search(key):
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = _BOT_TOKEN.sub("***", _SECRET_TEXT.sub(r"\1***", value))
    return event


def setup_logging(logs_dir: Path, part: str) -> None:
    """Send this process's log to `{logs_dir}/{part}.log`, warnings to stderr too.

    Several processes may write one file: lines are appended whole, and the file is
    opened again after `rotate_logs` has moved it aside.
    """
    logs_dir.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    logs_dir.mkdir(mode=0o700, exist_ok=True)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_format_exception),
        mask_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        processor=structlog.processors.JSONRenderer(
            ensure_ascii=False, default=_render
        ),
        foreign_pre_chain=shared,
    )
    file = _PrivateFileHandler(logs_dir / f"{part}.log", encoding="utf-8")
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.WARNING)
    root = logging.getLogger()
    root.handlers = [file, terminal]
    for handler in root.handlers:
        handler.setFormatter(formatter)
    root.setLevel(logging.INFO)
    workflow = _PrivateFileHandler(
        logs_dir / f"{WORKFLOW}.log", encoding="utf-8", delay=True
    )
    workflow.setFormatter(formatter)
    logging.getLogger(WORKFLOW).handlers = [workflow]
    # They log the address of every request or WebSocket, and addresses can hold tokens.
    for noisy in ("httpx", "httpcore", "openai", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _format_exception(exc_info: ExcInfo) -> str:
    # structlog's own goes through `print`, and Serve puts one in its place that writes
    # each line as a tuple.
    return "".join(traceback.format_exception(*exc_info)).rstrip("\n")


def _render(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else repr(value)


def rotate_logs(
    logs_dir: Path, max_bytes: int = MAX_LOG_BYTES, kept: int = KEPT_LOGS
) -> None:
    """Rotate files that have grown too large: `x.log` becomes `x.log.1`.

    Whoever writes one by `setup_logging` goes on in a new file.
    """
    for log in logs_dir.glob("*.log"):
        if log.name in _KEPT_BY_OTHERS or log.stat().st_size < max_bytes:
            continue
        for number in range(kept - 1, 0, -1):
            older = log.with_name(f"{log.name}.{number}")
            if older.exists():
                older.replace(log.with_name(f"{log.name}.{number + 1}"))
        log.replace(log.with_name(f"{log.name}.1"))
