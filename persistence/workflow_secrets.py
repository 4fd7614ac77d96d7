"""The secrets that sign the webhooks of workflows: one per tenant, encrypted."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from persistence.database import Db
from persistence.errors import PersistenceError
from persistence.ids import TenantId
from persistence.queries import build_row, load_queries
from persistence.secrets import Cipher

_SQL = load_queries("workflow_secrets")
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """A tenant's secret as it is used, and since when."""

    secret: str = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class _Stored:
    secret: bytes = field(repr=False)
    created_at: datetime


async def require_signing_secret(
    db: Db, cipher: Cipher, tenant_id: TenantId, at: datetime
) -> SigningSecret:
    """Return the tenant's secret; make it if this is its first use.

    Raises:
        SecretUnreadableError: no key of this runtime decrypts it.
    """
    row = await db.fetchrow(_SQL["fetch_secret"], tenant_id)
    if row is None:
        fresh = cipher.encrypt(_make().encode())
        await db.execute(_SQL["insert_secret"], tenant_id, fresh, at)
        row = await db.fetchrow(_SQL["fetch_secret"], tenant_id)
    if row is None:
        message = f"the tenant {tenant_id} was removed while its secret was made"
        raise PersistenceError(message)
    stored = build_row(_Stored, row)
    return SigningSecret(cipher.decrypt(stored.secret).decode(), stored.created_at)


async def rotate_signing_secret(
    db: Db, cipher: Cipher, tenant_id: TenantId, at: datetime
) -> SigningSecret:
    """Make a new secret; the one before it signs nothing any more."""
    secret = _make()
    await db.execute(
        _SQL["replace_secret"], tenant_id, cipher.encrypt(secret.encode()), at
    )
    return SigningSecret(secret, at)


def _make() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)
