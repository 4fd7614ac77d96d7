"""Models that several tests share: trained once, saved, compiled by whoever wants."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def cross_encoder_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small cross-encoder that truly ranks, as transformers saves one."""
    # Torch: seconds that only these tests pay for.
    from tests.support.cross_encoders import save_trained_encoder

    folder = tmp_path_factory.mktemp("models") / "overlap"
    save_trained_encoder(folder)
    return folder
