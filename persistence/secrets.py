"""Secrets at rest: encryption, keys derived from the secret keys, hashes of tokens."""

import hashlib
from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from config.secret_keys import read_keys
from persistence.errors import SecretUnreadableError


def derive_key(secret_key: str, purpose: str) -> bytes:
    """Derive 32 bytes for one purpose.

    The key of one purpose tells nothing about another's. A short secret gives a key of
    full length, though not of full strength.
    """
    hkdf = HKDF(SHA256(), length=32, salt=None, info=f"pilito:{purpose}".encode())
    return hkdf.derive(secret_key.encode())


def hash_token(token: str) -> bytes:
    """Hash a random token; nobody can try all of them, so a plain hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


class Cipher:
    """Encrypts values that the database must not show: tokens of channels, headers."""

    def __init__(self, secret_key: str, *, older: tuple[str, ...] = ()) -> None:
        """Take the list of `PILITO_SECRET_KEY`, and older keys that only decrypt."""
        fernets = [
            Fernet(urlsafe_b64encode(derive_key(key, "secrets")))
            for key in (*read_keys(secret_key), *older)
        ]
        self._writing = fernets[0]
        self._fernets = MultiFernet(fernets)

    def encrypt(self, plain: bytes) -> bytes:
        """Encrypt by the first key; the same bytes give another result each time."""
        return self._fernets.encrypt(plain)

    def decrypt(self, encrypted: bytes) -> bytes:
        """Decrypt by the key that fits. Raises SecretUnreadableError when none does."""
        try:
            return self._fernets.decrypt(encrypted)
        except InvalidToken as error:
            raise SecretUnreadableError from error

    def is_current(self, encrypted: bytes) -> bool:
        """Whether the first key alone decrypts this."""
        try:
            self._writing.decrypt(encrypted)
        except InvalidToken:
            return False
        return True

    def rotate(self, encrypted: bytes) -> bytes:
        """Encrypt anew by the first key; raises the same error as `decrypt`."""
        return self.encrypt(self.decrypt(encrypted))
