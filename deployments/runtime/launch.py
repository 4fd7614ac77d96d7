"""`pilito up`: starts every part in order, watches them, and stops them in reverse."""

from contextlib import suppress
from datetime import timedelta

import structlog

from config.logging import rotate_logs, setup_logging
from config.settings import Settings
from deployments.runtime.errors import LaunchError, StopRequestedError
from deployments.runtime.lock import locked_data_dir
from deployments.runtime.progress import Progress
from deployments.runtime.ray_workarounds.process_end import exit_without_ray
from deployments.runtime.runtime import Runtime
from deployments.runtime.shutdown import StopSignal
from deployments.runtime.terminal import Terminal
from persistence.errors import PersistenceError

log = structlog.get_logger("runtime")

WATCH_INTERVAL = timedelta(seconds=1)


def up(settings: Settings, *, demo: bool) -> int:
    """Run everything in the foreground until a signal asks to stop.

    Returns:
        The exit code: 0 after a stop that was asked for, 2 where the user has something
        to correct, 1 for everything else that failed.
    """
    terminal = Terminal(settings.logs_dir / "output.log")
    progress = Progress(terminal)
    stop = StopSignal()
    stop.listen()
    try:
        with locked_data_dir(settings.data_dir), terminal:
            setup_logging(settings.logs_dir, "runtime")
            runtime = Runtime(settings, progress, stop)
            code = _run(runtime, stop, progress, demo=demo)
    except LaunchError as error:
        progress.fail(str(error))
        return error.exit_code
    if runtime.is_ray_lost:
        exit_without_ray(code)
    return code


def _run(runtime: Runtime, stop: StopSignal, progress: Progress, *, demo: bool) -> int:
    try:
        runtime.start(demo=demo)
        while not stop.wait(WATCH_INTERVAL):
            runtime.check()
            # A disk that is full or broken must not end what still runs.
            with suppress(OSError):
                rotate_logs(runtime.logs_dir)
    except StopRequestedError:
        return 0
    except (LaunchError, PersistenceError) as error:
        log.warning("launch_ended", exc_info=True)
        progress.fail(str(error))
        return error.exit_code if isinstance(error, LaunchError) else 1
    except Exception as error:  # nobody else would show it to the user
        log.exception("launch_failed")
        reason = str(error).partition("\n")[0]
        progress.fail(f"{type(error).__name__}: {reason} (see {runtime.logs_dir})")
        return 1
    finally:
        runtime.stop()
    return 0
