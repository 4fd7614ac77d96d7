"""Signs the JSON that is sent to receivers which tenants have chosen."""

import hashlib
import hmac
from datetime import datetime

#: Of `{timestamp}.{body}`, so that an old body can't be replayed as a new one.
SIGNATURE = "X-Pilito-Signature"
#: Seconds since 1970.
TIMESTAMP = "X-Pilito-Timestamp"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a body, as the header carries it."""
    signed = f"{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def build_signed_headers(secret: str, at: datetime, body: bytes) -> dict[str, str]:
    """Build the headers of a signed JSON body; `at` is aware."""
    timestamp = str(int(at.timestamp()))
    return {
        "Content-Type": "application/json",
        TIMESTAMP: timestamp,
        SIGNATURE: sign(secret, timestamp, body),
    }
