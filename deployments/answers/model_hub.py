"""Models on this machine, and their download from the Hugging Face hub."""

from pathlib import Path

from deployments.answers.errors import ModelMissingError

#: What a hub's repository holds besides, in other formats of the same weights.
_OTHER_FORMATS = ["onnx/*", "openvino/*", "*.onnx", "*.msgpack", "*.h5", "*.ot"]
_PICKLED = ["*.bin", "*.pt", "*.pth"]
#: Weights without pickles are preferred; old repositories have only those.
_CHOICES = ([*_OTHER_FORMATS, *_PICKLED], _OTHER_FORMATS)
_CONFIGS = ("config.json", "modules.json")
_WEIGHTS = ("*.safetensors", "*.bin", "*/*.safetensors", "*/*.bin")


def names_folder(name: str) -> bool:
    """Tell a folder of this machine from a name on the hub."""
    return name.startswith((".", "~", "/")) or Path(name).is_dir()


def find_model(name: str) -> Path:
    """Return the folder of a model on this machine; a folder is a name, too.

    Imports no torch and asks no server.

    Raises:
        ModelMissingError: with the reason, for people.
    """
    if names_folder(name):
        folder = Path(name).expanduser()
        if not _is_complete(folder):
            message = f"{name}: no such folder, or it holds no config.json and weights"
            raise ModelMissingError(message)
        return folder.resolve()
    # A tenth of a second, which a folder does not need.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    for ignored in _CHOICES:
        try:
            copy = snapshot_download(
                name, local_files_only=True, ignore_patterns=ignored
            )
        except LocalEntryNotFoundError:
            continue
        except HFValidationError as error:
            message = f"{name}: neither a folder nor a name on the hub"
            raise ModelMissingError(message) from error
        if _is_complete(Path(copy)):
            return Path(copy)
    message = f"{name}: not on this machine"
    raise ModelMissingError(message)


def fetch_model(name: str) -> Path:
    """Return the folder of a model, and download the model if it is not there.

    The hub's library shows its progress on stderr.

    Raises:
        ModelMissingError: with the reason, for people.
    """
    try:
        return find_model(name)
    except ModelMissingError:
        if names_folder(name):
            raise
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        for ignored in _CHOICES:
            folder = Path(snapshot_download(name, ignore_patterns=ignored))
            if _is_complete(folder):
                return folder
    except HFValidationError as error:
        message = f"{name}: neither a folder nor a name on the hub"
        raise ModelMissingError(message) from error
    except RepositoryNotFoundError as error:
        message = "the hub has no such model, or wants a token for it"
        raise ModelMissingError(message) from error
    except LocalEntryNotFoundError as error:
        message = "it is not on this machine, and the hub can't be reached"
        raise ModelMissingError(message) from error
    except (HfHubHTTPError, OSError) as error:
        message = f"the download failed: {type(error).__name__}"
        raise ModelMissingError(message) from error
    message = "the hub has no weights of it"
    raise ModelMissingError(message)


def _is_complete(folder: Path) -> bool:
    """Tell a model from an interrupted download, which leaves the small files alone."""
    return any((folder / name).is_file() for name in _CONFIGS) and any(
        any(folder.glob(pattern)) for pattern in _WEIGHTS
    )
