"""Where settings come from: files of secrets, and the words for a wrong one."""

import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
)

PREFIX = "PILITO_"


class SettingsError(Exception):
    """A setting has an invalid value. Correct it in the environment or in .env."""


def split_address(address: str, schemes: Collection[str]) -> SplitResult | None:
    """Split an address; None if its scheme or its port is invalid.

    Python's own error would show a part of the password: reading the port of an address
    whose password has unescaped characters reveals it.
    """
    with suppress(ValueError):
        parts = urlsplit(address)
        if parts.scheme in schemes and parts.port != 0:
            return parts
    return None


def read_endpoints(text: str) -> tuple[tuple[str, int], ...]:
    """Read `host:port` addresses with commas between them; `none` is no address.

    Raises ValueError, with what to write instead.
    """
    if text.strip().lower() == "none":
        return ()
    endpoints: list[tuple[str, int]] = []
    for place in text.split(","):
        parts = split_address(f"tcp://{place.strip()}", ("tcp",))
        if parts is None or not parts.hostname or parts.port is None:
            message = "must be addresses such as 1.1.1.1:443,8.8.8.8:443, or none"
            raise ValueError(message)
        endpoints.append((parts.hostname, parts.port))
    return tuple(endpoints)


class SecretFiles(EnvSettingsSource):
    """Reads `PILITO_X` from the file named by `PILITO_X_FILE`, as containers do."""

    def __init__(
        self, settings_cls: type[BaseSettings], dotenv: PydanticBaseSettingsSource
    ) -> None:
        super().__init__(settings_cls)
        self._paths = dict(self.env_vars)
        if isinstance(dotenv, DotEnvSettingsSource):
            files = {f"{PREFIX}{name}_file".lower() for name in self._names()}
            named = {key: dotenv.env_vars[key] for key in files & {*dotenv.env_vars}}
            self._paths = named | self._paths
            # The `.env` source would refuse them as unknown settings.
            dotenv.env_vars = {
                key: value for key, value in dotenv.env_vars.items() if key not in named
            }

    def _names(self) -> Iterable[str]:
        return self.settings_cls.model_fields

    def __call__(self) -> dict[str, object]:
        """Return the values that stand in files.

        Raises:
            SettingsError: a file can't be read.
        """
        values: dict[str, object] = {}
        for name in self._names():
            path = self._paths.get(f"{PREFIX}{name}_file".lower())
            # The environment wins: a worker that inherits the value may be unable to
            # read the file.
            if path and not self.env_vars.get(f"{PREFIX}{name}".lower()):
                try:
                    values[name] = Path(path).read_text(encoding="utf-8").strip()
                except OSError as error:
                    message = f"{PREFIX}{name.upper()}_FILE: {error}"
                    raise SettingsError(message) from error
        return values


def refuse_unknown_variables(known: Iterable[str]) -> None:
    """Refuse a variable of ours in the environment that is no setting.

    Args:
        known: Names of variables, such as `PILITO_HTTP_PORT`.

    Raises:
        SettingsError: the first variable that is not among them.
    """
    names = {*known}
    for name in os.environ:
        if name.startswith(PREFIX) and name.removesuffix("_FILE") not in names:
            message = f"{name}: no such setting (see .env.example)"
            raise SettingsError(message)


def describe_invalid(error: ValidationError) -> str:
    """One line that names the first wrong variable and its fault, without its value."""
    first = error.errors()[0]
    name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
    name = name.replace(PREFIX * 2, PREFIX)
    if first["type"] == "extra_forbidden":
        return f"{name}: no such setting (see .env.example)"
    return f"{name}: {first['msg'].removeprefix('Value error, ')}"
