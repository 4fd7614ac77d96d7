"""Finds a cross-encoder or downloads it, compiles it, and keeps the result."""

import hashlib
import importlib.util
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from deployments.answers.errors import ModelMissingError
from deployments.answers.model_hub import fetch_model
from retrieval.errors import RerankerUnavailableError


@dataclass(frozen=True, slots=True)
class Built:
    """Where a model is to be loaded from; `reason` says why it is not compiled."""

    folder: Path
    is_compiled: bool
    reason: str = ""


def build(model: str, models_dir: Path) -> Built:
    """Find or download the model and compile it, unless that was done before.

    Compiling takes a minute and three times the model's memory.

    Raises RerankerUnavailableError: the model cannot be had.
    """
    try:
        source = fetch_model(model)
    except ModelMissingError as error:
        raise RerankerUnavailableError(str(error)) from error
    if importlib.util.find_spec("onnxruntime") is None:
        return Built(source, is_compiled=False, reason="onnxruntime is missing")
    from retrieval.cross_encoder.compiling import compile_cross_encoder, has_vnni

    reduce_range = not has_vnni(_read_cpuinfo())
    target = models_dir / _name_of(model, source, reduce_range=reduce_range)
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        # Two replicas may start at once; the second finds the first one's work.
        with FileLock(target.with_suffix(".lock")):
            if not target.exists():
                # What an attempt that was killed left, a gigabyte perhaps: the lock is
                # ours, so nobody else is at it.
                unfinished_prefix = f"{target.name}.unfinished-"
                for left in models_dir.glob(f"{unfinished_prefix}*"):
                    shutil.rmtree(left, ignore_errors=True)
                with tempfile.TemporaryDirectory(
                    dir=models_dir, prefix=unfinished_prefix
                ) as folder:
                    unfinished = Path(folder) / target.name
                    compile_cross_encoder(source, unfinished, reduce_range=reduce_range)
                    unfinished.rename(target)
    except Exception as error:  # noqa: BLE001 - exporters raise what they like
        reason = f"not compiled: {type(error).__name__}: {error}"[:300]
        return Built(source, is_compiled=False, reason=reason)
    return Built(target, is_compiled=True)


def _name_of(model: str, source: Path, *, reduce_range: bool) -> str:
    """Name a compiled model by all that it depends on."""
    import onnxruntime

    from retrieval.cross_encoder.compiling import RECIPE

    marks = [RECIPE, onnxruntime.__version__, str(reduce_range), str(source)]
    for path in sorted(source.iterdir()):
        # Sizes and times instead of contents: a gigabyte is not read at every start.
        status = path.stat()
        marks.append(f"{path.name} {status.st_size} {status.st_mtime_ns}")
    digest = hashlib.sha256("\n".join(marks).encode()).hexdigest()[:16]
    readable = "".join(c if c.isalnum() else "-" for c in Path(model).name)
    return f"{readable[:40]}-{digest}"


def _read_cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
