"""Keys: short ones are refused, several may be set, and old secrets stay readable."""

import subprocess
import sys
from base64 import urlsafe_b64encode
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from actors.clock import SystemClock
from config.settings import Settings, SettingsError, load_settings
from deployments.commands.rotate_keys import load_old_key, rotate_keys
from deployments.runtime.data_dir import with_kept_key
from deployments.runtime.errors import WeakKeyError
from deployments.web.api.errors import NotSignedInError
from deployments.web.api.tokens import TokenSigner, TokenType
from persistence.channels import (
    ChannelKind,
    ChannelTokens,
    NewChannel,
    create_channel,
    decrypt_tokens,
    fetch_channel,
)
from persistence.database import Pool
from persistence.errors import SecretUnreadableError
from persistence.ids import ChannelId, SessionId, TenantId, UserId
from persistence.secrets import Cipher, derive_key
from persistence.services import (
    ServiceSpec,
    create_service,
    decrypt_headers,
    fetch_service_by_name,
)
from persistence.sessions import SessionClaims
from persistence.stored_secrets import SECRET_COLUMNS, Rotation, rotate_column
from persistence.tenants import create_tenant

OLD = "an-old-key-of-an-installation-0123456789"
NEW = "a-new-key-of-an-installation-9876543210"
SHORT = "short, and with a comma"
#: Written by the release before keys were a list, with `OLD`.
STORED_BEFORE = (
    b"gAAAAABrDjZUMYRHtIXMoLd7_WsqEBGejiLuXaTk1yzkARsjOLdznJDSFtK2K0uNEYbC3ynKD0OUn2EG"
    b"YtBVzhIuHiPqXFESiFgKGaQGAcMJe8KcDhmdwH4="
)
#: Columns of bytes that are not encrypted: they hold no secret, or its hash.
PLAIN_BYTES = {
    ("alert_routes", "confirmation_hash"),
    ("api_keys", "key_hash"),
    ("chunks", "embedding"),
    ("chunks", "old_embedding"),
    ("confirmation_mails", "address_hash"),
    ("document_files", "content"),
    ("forgotten_events", "digest"),
    ("invitations", "token_hash"),
    ("sessions", "token_hash"),
    ("workflow_mails", "address_hash"),
}


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `.env` of who runs the tests."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "key",
    ["a", "x" * 31, "x" * 64, f"{NEW},short", f"short,{NEW}", ",", "   ", " " * 40],
)
def test_trust_m15_a_key_that_can_be_guessed_is_refused(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("PILITO_SECRET_KEY", key)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    text = str(caught.value)
    assert text.startswith("PILITO_SECRET_KEY: ")
    assert "at least 32 random characters" in text
    assert "\n" not in text
    assert NEW not in text


def test_trust_m15_the_runtime_ends_with_2_and_one_line(tmp_path: Path) -> None:
    program = "from deployments.commands.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", program, "up"],
        env={
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "PILITO_SECRET_KEY": "hush",
            "PILITO_DATA_DIR": str(tmp_path / "var"),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    (line,) = ended.stderr.strip().splitlines()
    assert "PILITO_SECRET_KEY: " in line
    assert "hush" not in line


def test_trust_m15_a_short_key_in_the_kept_file_is_refused_as_well(
    tmp_path: Path,
) -> None:
    (tmp_path / "secret_key").write_text("hush", encoding="utf-8")
    with pytest.raises(WeakKeyError, match="at least 32") as caught:
        with_kept_key(Settings(data_dir=tmp_path, secret_key=None))
    assert caught.value.exit_code == 2
    assert "hush" not in str(caught.value)
    (tmp_path / "secret_key").write_text(f"{NEW}, {OLD}\n", encoding="utf-8")
    kept = with_kept_key(Settings(data_dir=tmp_path, secret_key=None)).secret_key
    assert kept == SecretStr(f"{NEW}, {OLD}")


def test_trust_m15_secrets_of_the_release_before_stay_readable() -> None:
    assert Cipher(OLD).decrypt(STORED_BEFORE) == b"IGQVJ-stored-before"
    assert Cipher(f"{NEW},{OLD}").decrypt(STORED_BEFORE) == b"IGQVJ-stored-before"
    with pytest.raises(SecretUnreadableError):
        Cipher(NEW).decrypt(STORED_BEFORE)


def encrypt_before(key: str, plain: bytes) -> bytes:
    """Encrypt as the release before keys were a list: a comma was a part of the key."""
    return Fernet(urlsafe_b64encode(derive_key(key, "secrets"))).encrypt(plain)


@pytest.mark.parametrize("key", [f"{OLD},{NEW}", f"{OLD} ", f" {OLD}, "])
def test_trust_m15_a_key_with_a_comma_from_before_lists_still_reads(key: str) -> None:
    stored = encrypt_before(key, b"x")
    assert Cipher(key).decrypt(stored) == b"x"
    assert Cipher(key).rotate(stored) != stored


def test_trust_m15_the_first_key_writes_and_all_read() -> None:
    both = Cipher(f" {NEW} , {OLD} ")
    assert Cipher(NEW).decrypt(both.encrypt(b"x")) == b"x"
    with pytest.raises(SecretUnreadableError):
        Cipher(OLD).decrypt(both.encrypt(b"x"))
    rotated = both.rotate(STORED_BEFORE)
    assert Cipher(NEW).decrypt(rotated) == b"IGQVJ-stored-before"
    assert (both.is_current(STORED_BEFORE), both.is_current(rotated)) == (False, True)


def test_trust_m15_tokens_of_an_older_listed_key_are_valid() -> None:
    at = SystemClock().now()
    user = SessionClaims(SessionId(uuid4()), UserId(uuid4()), 1)
    old = TokenSigner(OLD).sign(user, TokenType.ACCESS, at)
    both = TokenSigner(f"{NEW},{OLD}")
    assert both.read(old, TokenType.ACCESS).session == user
    new = both.sign(user, TokenType.ACCESS, at)
    assert TokenSigner(NEW).read(new, TokenType.ACCESS).session == user
    for signer, token in ((TokenSigner(OLD), new), (TokenSigner(NEW), old)):
        with pytest.raises(NotSignedInError):
            signer.read(token, TokenType.ACCESS)
    for wrong in (
        both.sign(user, TokenType.REFRESH, at),
        both.sign(user, TokenType.ACCESS, at - timedelta(days=1)),
        old + "x",
        "",
        "a.b.c",
    ):
        with pytest.raises(NotSignedInError):
            both.read(wrong, TokenType.ACCESS)


async def store(
    pool: Pool, cipher: Cipher, tenant_id: TenantId, name: str
) -> ChannelId:
    """Store a channel with two secrets, and a service with headers."""
    tokens = ChannelTokens(f"token of {name}", f"secret of {name}")
    new = NewChannel(ChannelKind.TELEGRAM, name, name, tokens)
    async with pool.acquire() as db, db.transaction():
        channel = await create_channel(db, cipher, tenant_id, new)
        spec = ServiceSpec(name, "http://example.com", headers={"X-Key": name})
        await create_service(db, cipher, tenant_id, spec)
        await db.execute(
            "INSERT INTO alert_routes (id, tenant_id, kind, name, target)"
            " VALUES ($1, $2, 'webhook', $3, $4)",
            uuid4(),
            tenant_id,
            name,
            cipher.encrypt(b"{}"),
        )
    return channel.id


async def test_trust_m15_rotate_keys_re_encrypts_everything_and_says_how_much(
    dsn: str, pool: Pool
) -> None:
    tenant = await create_tenant(pool, "shop")
    channels = [
        await store(pool, Cipher(OLD), tenant.id, str(number)) for number in range(3)
    ]
    said: list[str] = []
    both = Cipher(f"{NEW},{OLD}")
    assert await rotate_keys(dsn, both, said.append) == 0
    assert said[-1] == (
        "All secrets: 12 re-encrypted, 0 current already, 0 unreadable."
    )
    stored = await fetch_channel(pool, channels[1])
    assert stored is not None
    tokens = decrypt_tokens(Cipher(NEW), stored)
    assert tokens == ChannelTokens("token of 1", "secret of 1")
    service = await fetch_service_by_name(pool, tenant.id, "1")
    assert service is not None
    assert decrypt_headers(Cipher(NEW), service) == {"X-Key": "1"}
    # The old key is needed no more, and a second time there is nothing to do.
    assert await rotate_keys(dsn, Cipher(NEW), said.append) == 0
    assert said[-1] == (
        "All secrets: 0 re-encrypted, 12 current already, 0 unreadable."
    )


async def test_trust_m15_what_no_key_reads_is_counted_and_left(
    dsn: str, pool: Pool, tmp_path: Path
) -> None:
    tenant = await create_tenant(pool, "shop")
    channel_id = await store(pool, Cipher(OLD), tenant.id, "1")
    short = encrypt_before(SHORT, b"a token")
    await pool.execute("UPDATE channels SET access_token = $1", short)
    said: list[str] = []
    assert await rotate_keys(dsn, Cipher(f"{NEW},{OLD}"), said.append) == 1
    assert said[-2] == "All secrets: 3 re-encrypted, 0 current already, 1 unreadable."
    assert "--old-key-file" in said[-1]
    stored = await fetch_channel(pool, channel_id)
    assert stored is not None
    assert stored.access_token == short
    (tmp_path / "old").write_text(f"{SHORT}\n", encoding="utf-8")
    older = load_old_key(tmp_path / "old")
    assert await rotate_keys(dsn, Cipher(NEW, older=older), said.append) == 0
    assert said[-1] == "All secrets: 1 re-encrypted, 3 current already, 0 unreadable."


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_trust_m15_a_file_without_a_key_is_named(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "old").write_bytes(content)
    with pytest.raises(SettingsError, match=r"--old-key-file: .*old"):
        load_old_key(tmp_path / "old")


async def test_trust_m15_a_rotation_goes_on_in_steps_where_it_stopped(
    pool: Pool,
) -> None:
    tenant = await create_tenant(pool, "shop")
    for number in range(5):
        await store(pool, Cipher(OLD), tenant.id, str(number))
    column, both = SECRET_COLUMNS[0], Cipher(f"{NEW},{OLD}")

    class KilledError(Exception):
        """The process ends."""

    def end(done: Rotation) -> None:
        assert done == Rotation(rotated=2)
        raise KilledError

    with pytest.raises(KilledError):
        await rotate_column(pool, both, column, end, step=2)
    steps: list[int] = []
    rest = await rotate_column(
        pool, both, column, lambda done: steps.append(done.seen), step=2
    )
    assert rest == Rotation(rotated=3, current=2)
    assert steps == [2, 4, 5]


async def test_trust_m15_no_encrypted_column_is_forgotten(pool: Pool) -> None:
    rows = await pool.fetch(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type = 'bytea'"
    )
    columns = {(row["table_name"], row["column_name"]) for row in rows}
    known = {(one.table, one.column) for one in SECRET_COLUMNS}
    assert columns == known | PLAIN_BYTES
