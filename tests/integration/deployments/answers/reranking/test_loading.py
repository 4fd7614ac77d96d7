"""A model is found, compiled, kept, and opened without torch."""

import asyncio
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployments.answers.reranking.build import build
from deployments.answers.reranking.loading import ModelLoader
from deployments.answers.reranking.slot import Loaded
from retrieval.cross_encoder import compiling
from retrieval.cross_encoder.quantised import GRAPH
from retrieval.errors import RerankerUnavailableError

#: Another process imports torch, on a machine that may be busy with other tests.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

RANK = """
import asyncio, sys
from pathlib import Path
from deployments.answers.reranking.loading import ModelLoader
loaded = asyncio.run(ModelLoader(Path(sys.argv[2]), threads=1).load(sys.argv[1]))
print(loaded.runtime.score([("بار بین", "بار بین بوم"), ("بار بین", "سان")]).argmax())
print("torch" in sys.modules, "transformers" in sys.modules)
"""


@dataclass(frozen=True, slots=True)
class PowerCut:
    """A model that was loaded in spite of one."""

    loaded: Loaded
    graph: Path
    whole_size_bytes: int


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "models"


@pytest.fixture(scope="module")
def loaded(cross_encoder_dir: Path, models_dir: Path) -> Loaded:
    return asyncio.run(ModelLoader(models_dir, threads=1).load(str(cross_encoder_dir)))


def test_a_folder_is_compiled_and_runs_in_eight_bits(loaded: Loaded) -> None:
    assert loaded.runtime.runtime == "onnxruntime int8"
    assert loaded.note == ""


def test_what_was_compiled_is_kept_and_opened_without_torch(
    loaded: Loaded,  # noqa: ARG001 - it compiled
    cross_encoder_dir: Path,
    models_dir: Path,
) -> None:
    kept = [path for path in models_dir.iterdir() if path.is_dir()]
    said = subprocess.run(
        [sys.executable, "-c", RANK, str(cross_encoder_dir), str(models_dir)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["0", "False", "False"]
    assert [path for path in models_dir.iterdir() if path.is_dir()] == kept


@pytest.fixture(scope="module")
def after_power_cut(
    loaded: Loaded,  # noqa: ARG001 - it compiled
    cross_encoder_dir: Path,
    models_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> PowerCut:
    """What is there once a model is loaded that a power cut had left in pieces.

    Compiling takes most of ten seconds, so two pieces are mended by one.
    """
    (compiled,) = (path for path in models_dir.iterdir() if path.is_dir())
    cut_dir = tmp_path_factory.mktemp("cut") / "models"
    shutil.copytree(compiled, cut_dir / compiled.name)
    shutil.copytree(compiled, cut_dir / f"{compiled.name}.unfinished-1")
    graph = cut_dir / compiled.name / GRAPH
    size = graph.stat().st_size
    # The name was written, the contents were not.
    graph.write_bytes(graph.read_bytes()[:1000])
    anew = asyncio.run(ModelLoader(cut_dir, threads=1).load(str(cross_encoder_dir)))
    return PowerCut(anew, graph, size)


def test_what_a_killed_attempt_left_is_cleared_away(after_power_cut: PowerCut) -> None:
    compiled = after_power_cut.graph.parent
    assert [path for path in compiled.parent.iterdir() if path.is_dir()] == [compiled]


def test_a_compiled_model_that_was_cut_off_is_compiled_anew(
    after_power_cut: PowerCut,
) -> None:
    assert after_power_cut.loaded.runtime.runtime == "onnxruntime int8"
    assert after_power_cut.graph.stat().st_size == after_power_cut.whole_size_bytes


def test_a_changed_model_is_compiled_anew(
    loaded: Loaded,  # noqa: ARG001 - it compiled
    cross_encoder_dir: Path,
    models_dir: Path,
    tmp_path: Path,
) -> None:
    before = {path.name for path in models_dir.iterdir()}
    shutil.copytree(cross_encoder_dir, tmp_path / "overlap")
    config = tmp_path / "overlap" / "config.json"
    config.write_text(config.read_text() + "\n")
    # Here, where torch is loaded already.
    assert build(str(tmp_path / "overlap"), models_dir).is_compiled
    assert {path.name for path in models_dir.iterdir()} > before


def test_what_an_older_version_compiled_is_not_used(
    loaded: Loaded,  # noqa: ARG001 - it compiled
    cross_encoder_dir: Path,
    models_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    older = build(str(cross_encoder_dir), models_dir)
    monkeypatch.setattr(compiling, "RECIPE", "of the next version")
    newer = build(str(cross_encoder_dir), models_dir)
    assert older.is_compiled
    assert newer.is_compiled
    assert newer.folder != older.folder
    assert build(str(cross_encoder_dir), models_dir) == newer


async def test_a_model_that_cannot_be_compiled_runs_as_it_is(
    cross_encoder_dir: Path, tmp_path: Path
) -> None:
    # The folder for compiled models is a file: nothing can be kept there.
    (tmp_path / "models").write_text("")
    loaded = await ModelLoader(tmp_path / "models", threads=1).load(
        str(cross_encoder_dir)
    )
    assert loaded.runtime.runtime == "torch fp32"
    assert loaded.note.startswith("torch fp32: not compiled")


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RerankerUnavailableError, match="no such folder"):
        await ModelLoader(tmp_path, threads=1).load(str(tmp_path / "absent"))


async def test_a_folder_without_weights_is_named(tmp_path: Path) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "config.json").write_text("{}")
    with pytest.raises(RerankerUnavailableError, match="and weights"):
        await ModelLoader(tmp_path / "models", threads=1).load(str(tmp_path / "half"))


async def test_offline_the_reason_names_the_model_and_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(RerankerUnavailableError) as caught:
        await ModelLoader(tmp_path / "models", threads=1).load("BAAI/bge-reranker-base")
    assert str(caught.value) == (
        "it is not on this machine, and the hub can't be reached"
    )
