"""A Ray of these tests, with Serve: they need no runtime, only a replica or two."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

with warnings.catch_warnings():
    # Ray's own imports warn of its own fields.
    warnings.simplefilter("ignore")
    import ray
    from ray import serve


@pytest.fixture(scope="package")
def _serve() -> Iterator[None]:
    environment = {"PYTHONPATH": str(Path(__file__).parents[3])}
    # Ray leaves its address and its token there, for the runtimes of later tests.
    ours = dict(os.environ)
    ray.init(num_cpus=2, include_dashboard=False, runtime_env={"env_vars": environment})
    try:
        # Nobody asks over HTTP, and the port of Serve's proxy may be taken.
        serve.start(proxy_location="Disabled")
        yield
    finally:
        serve.shutdown()  # type: ignore[no-untyped-call]
        ray.shutdown()
        os.environ.clear()
        os.environ.update(ours)
