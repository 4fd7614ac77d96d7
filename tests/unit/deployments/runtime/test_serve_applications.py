"""How serve_config.yaml becomes applications."""

import warnings
from pathlib import Path

import pytest
from pydantic import BaseModel

from deployments.runtime.errors import LaunchError, StopRequestedError
from deployments.runtime.serve_applications import (
    CONFIG,
    ServeApplications,
    build_targets,
    load_plan,
)
from deployments.runtime.shutdown import StopSignal

with warnings.catch_warnings():
    # Ray describes its options in a way that pydantic is going to drop.
    warnings.simplefilter("ignore", DeprecationWarning)
    from ray import serve
    from ray.serve import Application

HERE = __name__


class Arguments(BaseModel):
    """What an application may be given."""

    greeting: str = "hello"


class Inner:
    """A deployment that another one calls."""


class Outer:
    """A deployment that holds another one."""


def build_nested(arguments: Arguments) -> Application:
    inner = serve.deployment(name="Inner")(Inner).bind()
    outer = serve.deployment(name="Outer")(Outer)
    return outer.bind(inner, greeting=arguments.greeting)


def write(tmp_path: Path, text: str) -> Path:
    config = tmp_path / "serve_config.yaml"
    config.write_text(text)
    return config


NESTED = f"""
applications:
  - name: nested
    route_prefix: /nested
    import_path: {HERE}:build_nested
    args: {{greeting: salam}}
    deployments:
      - {{name: Outer, max_ongoing_requests: 9, ray_actor_options: {{num_cpus: 0}}}}
      - {{name: Inner, num_replicas: 3}}
"""


def test_the_files_options_reach_every_deployment(tmp_path: Path) -> None:
    (target,) = build_targets(load_plan(write(tmp_path, NESTED)))
    assert (target.name, target.route_prefix) == ("nested", "/nested")
    outer = target.target._bound_deployment
    assert outer.max_ongoing_requests == 9
    assert outer.ray_actor_options == {"num_cpus": 0}
    assert str(outer.init_kwargs) == "{'greeting': 'salam'}"
    inner = outer.init_args[0]
    assert isinstance(inner, Application)
    assert inner._bound_deployment.num_replicas == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("applications: {", "is not YAML"),
        ("applications: [{name: x}]", "applications.0.import_path"),
        (NESTED.replace("name: Inner", "name: Iner"), "no deployment Iner"),
        (NESTED.replace("build_nested", "build_else"), "build_else"),
        (NESTED.replace(HERE, "nowhere.at_all"), "nowhere"),
        (NESTED.replace("greeting: salam", "greeting: 7"), "greeting"),
    ],
)
def test_a_mistake_in_the_file_is_one_clear_line(
    tmp_path: Path, text: str, message: str
) -> None:
    config = write(tmp_path, text)
    with pytest.raises(LaunchError) as caught:
        build_targets(load_plan(config))
    assert message in str(caught.value)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match="No such file"):
        load_plan(tmp_path / "serve_config.yaml")


def test_nothing_is_deployed_when_a_stop_is_wished(tmp_path: Path) -> None:
    # A call into Serve that comes too late would start another Ray by itself.
    stop = StopSignal()
    stop.ask()
    applications = ServeApplications(stop, write(tmp_path, NESTED))
    with pytest.raises(StopRequestedError):
        applications.deploy("127.0.0.1", 8000)


def test_our_own_file_is_read_by_a_cluster_as_by_us() -> None:
    plan = load_plan(CONFIG)
    assert {application.name for application in plan.applications} >= {
        "webhooks",
        "web",
        "answers",
    }
    for application in plan.applications:
        assert application.deployments, application.name
        for deployment in application.deployments:
            # On a small machine a whole core each would be more than there is.
            assert deployment.ray_actor_options.num_cpus == 0
            assert deployment.health_check_period_s == 1
