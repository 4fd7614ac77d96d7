"""Encryption of secrets at rest, and derivation of keys from the secret key."""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from persistence.errors import SecretUnreadableError


def derive_key(secret_key: str, purpose: str) -> bytes:
    """Derive 32 bytes for one purpose.

    The key of one purpose tells nothing about another's. A short secret gives a key of
    full length, though not of full strength.
    """
    hkdf = HKDF(SHA256(), length=32, salt=None, info=f"pilito:{purpose}".encode())
    return hkdf.derive(secret_key.encode())


class Cipher:
    """Encrypts values that the database must not show: tokens of channels, headers."""

    def __init__(self, secret_key: str) -> None:
        self._fernet = Fernet(urlsafe_b64encode(derive_key(secret_key, "secrets")))

    def encrypt(self, plain: bytes) -> bytes:
        """Encrypt; the same bytes give another result each time."""
        return self._fernet.encrypt(plain)

    def decrypt(self, encrypted: bytes) -> bytes:
        """Decrypt. Raises SecretUnreadableError when the key was another one."""
        try:
            return self._fernet.decrypt(encrypted)
        except InvalidToken as error:
            raise SecretUnreadableError from error
