"""People of the trust tests: they sign in with a password, as everybody does."""

from argon2 import PasswordHasher
from httpx import AsyncClient, Response

PASSWORD = "a long enough password"
NEW_PASSWORD = "quite another password"
#: The cheapest parameters there are: these tests are not about the hash's cost.
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


async def sign_in(
    door: AsyncClient, username: str = "sara", password: str = PASSWORD
) -> Response:
    """Sign in."""
    credentials = {"username": username, "password": password}
    return await door.post("/api/token/", json=credentials)


async def refresh(door: AsyncClient, token: str) -> Response:
    """Ask for new tokens."""
    return await door.post("/api/token/refresh/", json={"refresh": token})


async def call(door: AsyncClient, token: str, path: str = "/api/me/") -> int:
    """Call the API with a token; return the status."""
    headers = {"Authorization": f"Bearer {token}"}
    return (await door.get(path, headers=headers)).status_code
