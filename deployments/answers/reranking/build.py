"""Finds a cross-encoder and compiles it, as a program that ends with its memory.

`python -m deployments.answers.reranking.build MODEL MODELS_DIR` prints one line of
JSON: where the compiled model is, or why there is none. It ends when its standard input
does, so it never outlives the replica that started it.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from retrieval.errors import RerankerUnavailableError

#: What a hub's repository holds besides, in other formats of the same weights.
_OTHER_FORMATS = ["onnx/*", "openvino/*", "*.onnx", "*.msgpack", "*.h5", "*.ot"]
_PICKLED = ["*.bin", "*.pt", "*.pth"]


@dataclass(frozen=True, slots=True)
class Built:
    """Where a model is to be loaded from; `reason` says why it is not compiled."""

    folder: str
    is_compiled: bool
    reason: str = ""

    @classmethod
    def parse(cls, line: str) -> "Built":
        """Read the line that the program prints.

        Raises RerankerUnavailableError: that is what it says. ValueError: it says
        something else.
        """
        said = json.loads(line)
        if "error" in said:
            raise RerankerUnavailableError(str(said["error"]))
        return cls(str(said["folder"]), bool(said["is_compiled"]), str(said["reason"]))


def build(model: str, models_dir: Path) -> Built:
    """Find the model and compile it, unless that was done before.

    Raises RerankerUnavailableError: there is no such model here.
    """
    source = find_model(model)
    if importlib.util.find_spec("onnxruntime") is None:
        return Built(str(source), is_compiled=False, reason="onnxruntime is missing")
    from retrieval.cross_encoder.compiling import compile_cross_encoder, has_vnni

    reduce_range = not has_vnni(_read_cpuinfo())
    target = models_dir / _name_of(model, source, reduce_range=reduce_range)
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        with target.with_suffix(".lock").open("w") as lock:
            # Two replicas may start at once; the second finds the first one's work.
            fcntl.flock(lock, fcntl.LOCK_EX)
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
        return Built(str(source), is_compiled=False, reason=reason)
    return Built(str(target), is_compiled=True)


def find_model(model: str) -> Path:
    """Return the folder of a model: its own, or the hub's copy on this machine.

    Raises RerankerUnavailableError: with the reason, for people.
    """
    folder = Path(model).expanduser()
    if folder.is_dir() or folder.is_absolute() or model.startswith((".", "~")):
        try:
            return _checked(folder.resolve())
        except FileNotFoundError as error:
            message = f"{model}: no such folder, or it holds no config.json and weights"
            raise RerankerUnavailableError(message) from error
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        # What was downloaded once is used without asking anybody.
        return _checked(
            snapshot_download(
                model, local_files_only=True, ignore_patterns=_OTHER_FORMATS
            )
        )
    except (LocalEntryNotFoundError, FileNotFoundError):
        pass
    except HFValidationError as error:
        message = f"{model}: neither a folder nor a name on the hub"
        raise RerankerUnavailableError(message) from error
    try:
        found = Path(
            snapshot_download(model, ignore_patterns=[*_OTHER_FORMATS, *_PICKLED])
        )
        if not any(found.glob("*.safetensors")):
            found = Path(snapshot_download(model, ignore_patterns=_OTHER_FORMATS))
        return _checked(found)
    except RepositoryNotFoundError as error:
        message = "the hub has no such model, or wants a token for it"
        raise RerankerUnavailableError(message) from error
    except LocalEntryNotFoundError as error:
        message = "it is not on this machine, and the hub can't be reached"
        raise RerankerUnavailableError(message) from error
    except (HfHubHTTPError, OSError) as error:
        message = f"the download failed: {type(error).__name__}"
        raise RerankerUnavailableError(message) from error


def _checked(found: str | Path) -> Path:
    folder = Path(found)
    weights = [*folder.glob("*.safetensors"), *folder.glob("*.bin")]
    # An interrupted download leaves a folder with the small files alone.
    if not weights or not (folder / "config.json").is_file():
        raise FileNotFoundError(folder)
    return folder


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


def _end_with_parent() -> None:
    def watch() -> None:
        # Not `sys.stdin`: its lock, held here, would stop the interpreter's own end.
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Build what the arguments name, and say so in one line."""
    _end_with_parent()
    model, models_dir = sys.argv[1:]
    # Libraries print as they please; the line that counts must stand alone.
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.nice(10)  # answers that are being written go first
    try:
        said = json.dumps(asdict(build(model, Path(models_dir))))
    except RerankerUnavailableError as error:
        said = json.dumps({"error": str(error)})
    answer.write(said + "\n")
    answer.flush()


if __name__ == "__main__":
    main()
