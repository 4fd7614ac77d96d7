"""`pilito up`: starts every part in order, watches them, and stops them in reverse."""

from contextlib import ExitStack
from datetime import timedelta

import structlog

from config.logging import rotate_logs, setup_logging
from config.settings import Settings
from deployments.runtime.errors import LaunchError, StopRequestedError
from deployments.runtime.lock import DataDirLock
from deployments.runtime.progress import Progress
from deployments.runtime.runtime import Runtime
from deployments.runtime.shutdown import StopWish
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
    stop = StopWish()
    stop.listen()
    with ExitStack() as stack:
        try:
            stack.enter_context(DataDirLock(settings.data_dir))
            rotate_logs(settings.logs_dir)
            stack.enter_context(terminal)
            setup_logging(settings.logs_dir, "runtime")
            _run(Runtime(settings, progress, stop), stop, demo=demo)
        except StopRequestedError:
            return 0
        except LaunchError as error:
            log.exception("launch_failed")
            progress.fail(str(error))
            return error.exit_code
        except PersistenceError as error:
            log.exception("launch_failed")
            progress.fail(str(error))
            return 1
        except Exception as error:  # the last one who could tell the user
            log.exception("launch_failed")
            reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
            progress.fail(f"{LaunchError.__doc__} {reason} (see {settings.logs_dir})")
            return 1
    return 0


def _run(runtime: Runtime, stop: StopWish, *, demo: bool) -> None:
    try:
        runtime.start(demo=demo)
        while not stop.wait(WATCH_INTERVAL):
            runtime.check()
    finally:
        runtime.stop()
