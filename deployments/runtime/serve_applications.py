"""Deploys the applications of serve_config.yaml and withdraws them at the stop."""

import importlib
import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import structlog
import yaml
from pydantic import BaseModel, ValidationError

from deployments.runtime.errors import (
    ApplicationFailedError,
    LaunchError,
    StopRequestedError,
)
from deployments.runtime.ray_workarounds.deployment_options import set_options
from deployments.runtime.shutdown import StopSignal

if TYPE_CHECKING:
    from ray.serve import Application, RunTarget
    from ray.serve.schema import ServeApplicationSchema, ServeDeploySchema

CONFIG = Path(__file__).parents[2] / "serve_config.yaml"
log = structlog.get_logger("runtime")

#: A replica imports torch and loads indexes; on a slow disk that takes a while.
START_TIMEOUT = timedelta(minutes=5)
#: Each poll takes Serve and us 50 ms of a processor that the starting replicas need.
START_POLL_INTERVAL = timedelta(milliseconds=700)
STOP_POLL_INTERVAL = timedelta(milliseconds=200)


class ServeApplications:
    """The applications of one configuration file.

    `serve deploy` reads the same file on a cluster. Here the applications are built in
    this process, which takes half the time: see `ray_workarounds/deployment_options`.
    """

    def __init__(self, stop: StopSignal, config: Path = CONFIG) -> None:
        self._stop = stop
        self._config = config
        self._names: Sequence[str] = ()

    def deploy(self, host: str, port: int) -> None:
        """Start Serve and hand all applications over; they start by themselves.

        Raises:
            LaunchError: the file is wrong, or an application can't be built.
            StopRequestedError: the user wants to stop.
        """
        from ray import serve

        plan = load_plan(self._config)
        targets = build_targets(plan)
        self._names = [target.name for target in targets]
        http_options = plan.http_options.model_dump(exclude_unset=True)
        self._check_stop()
        serve.start(
            proxy_location=plan.proxy_location,
            http_options=http_options | {"host": host, "port": port},
        )
        serve.run_many(
            targets,
            wait_for_ingress_deployment_creation=False,
            wait_for_applications_running=False,
        )

    def wait(self, report: Callable[[Mapping[str, str]], None]) -> None:
        """Wait until all run. `report` gets the status of each, by name.

        Raises:
            ApplicationFailedError: with the last line of what went wrong.
            StopRequestedError: the user wants to stop.
        """
        deadline = time.monotonic() + START_TIMEOUT.total_seconds()
        while True:
            self._check_stop()
            statuses = self._fetch_statuses()
            report(statuses)
            if all(statuses.get(name) == "RUNNING" for name in self._names):
                return
            if time.monotonic() > deadline:
                late = [n for n in self._names if statuses.get(n) != "RUNNING"]
                message = f"{', '.join(late)} did not start within {START_TIMEOUT}."
                raise ApplicationFailedError(message)
            time.sleep(START_POLL_INTERVAL.total_seconds())

    def withdraw(self, timeout: timedelta) -> None:
        """Delete our applications and wait until the last request is answered."""
        from ray import serve

        deadline = time.monotonic() + timeout.total_seconds()
        for name in self._names:
            serve.delete(name, _blocking=False)
        while any(name in self._fetch_statuses() for name in self._names):
            if self._stop.is_hurried or time.monotonic() > deadline:
                return
            time.sleep(STOP_POLL_INTERVAL.total_seconds())

    def _check_stop(self) -> None:
        # A call that comes when Ray is gone would start another, all by itself.
        if self._stop.is_asked:
            raise StopRequestedError

    def _fetch_statuses(self) -> Mapping[str, str]:
        from ray import serve

        applications = serve.status().applications
        for name, application in applications.items():
            if name in self._names and application.status == "DEPLOY_FAILED":
                parts = application.deployments.values()
                reasons = [part.message for part in parts if part.message]
                reason = _last_line(reasons[-1] if reasons else application.message)
                log.error("application_failed", application=name, reasons=reasons)
                message = f"The application {name} did not start: {reason}"
                raise ApplicationFailedError(message)
        return {name: str(app.status.value) for name, app in applications.items()}


def load_plan(config: Path) -> "ServeDeploySchema":
    """Read the file. Raises LaunchError with the place of the first mistake."""
    from ray.serve.schema import ServeDeploySchema

    try:
        return ServeDeploySchema.model_validate(yaml.safe_load(config.read_text()))
    except OSError as error:
        message = f"{config}: {error.strerror}"
        raise LaunchError(message) from error
    except yaml.YAMLError as error:
        message = f"{config} is not YAML: {error}"
        raise LaunchError(message) from error
    except ValidationError as error:
        message = f"{config}: {_describe(error)}"
        raise LaunchError(message) from error


def build_targets(plan: "ServeDeploySchema") -> "list[RunTarget]":
    """Build the applications with the options that the file gives their deployments.

    Raises:
        LaunchError: the file names something that is not there.
    """
    return [_build_target(application) for application in plan.applications]


def _build_target(application: "ServeApplicationSchema") -> "RunTarget":
    from ray.serve import RunTarget

    builder = _import_builder(application.import_path)
    arguments = cast("Mapping[str, object]", application.args)
    built = builder(_build_arguments(builder, arguments))
    options = {
        deployment.name: deployment.model_dump(exclude_unset=True, exclude={"name"})
        for deployment in application.deployments
    }
    unknown = options.keys() - set_options(built, options)
    if unknown:
        message = f"{application.name} has no deployment {', '.join(sorted(unknown))}."
        raise LaunchError(message)
    return RunTarget(
        target=built, name=application.name, route_prefix=application.route_prefix
    )


def _import_builder(path: str) -> "Callable[[object], Application]":
    module, _, attribute = path.partition(":")
    try:
        builder: Callable[[object], Application] = getattr(
            importlib.import_module(module), attribute
        )
    except (ImportError, AttributeError) as error:
        message = f"{path} can't be imported: {error}"
        raise LaunchError(message) from error
    return builder


def _build_arguments(
    builder: Callable[..., object], values: Mapping[str, object]
) -> object:
    """Turn the file's `args` into the model that the builder takes, as Serve does."""
    (parameter,) = inspect.signature(builder).parameters.values()
    kind = parameter.annotation
    if not (inspect.isclass(kind) and issubclass(kind, BaseModel)):
        return values
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        message = f"{builder.__name__}: {_describe(error)}"
        raise LaunchError(message) from error


def _describe(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}"


def _last_line(text: str) -> str:
    """Return what a traceback ends with: the error itself."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
