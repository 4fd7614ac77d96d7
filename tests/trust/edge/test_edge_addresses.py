"""M8: nobody chooses the address that limits count by."""

import pytest
from pydantic import ValidationError

from config.settings import Settings
from tests.support.api import Api, connect

GUESS = {"username": "sara", "password": "wrong password"}


@pytest.mark.parametrize("peer", ["172.17.0.1", "127.0.0.1"])
async def test_trust_m8_a_forged_header_opens_no_second_door(
    api: Api, peer: str
) -> None:
    api.login_attempts_per_minute = 1
    async with connect(api.build(), address=peer) as door:
        statuses: list[int] = []
        for number in range(3):
            # HAProxy adds what it saw: the gateway of a container network.
            door.headers["X-Forwarded-For"] = f"8.8.8.{number}, 172.17.0.1"
            guess = GUESS | {"username": f"user-{number}"}
            answer = await door.post("/api/token/", json=guess)
            statuses.append(answer.status_code)
    assert statuses == [401, 429, 429]


async def test_trust_m8_clients_of_a_proxy_of_ours_are_told_apart(api: Api) -> None:
    api.login_attempts_per_minute = 1
    api.trusted_proxies = ("172.17.0.0/16",)
    async with connect(api.build(), address="127.0.0.1") as door:
        statuses: list[int] = []
        for client in ("8.8.8.1", "8.8.8.2", "8.8.8.1"):
            door.headers["X-Forwarded-For"] = f"1.1.1.1, {client}, 172.17.0.1"
            guess = GUESS | {"username": f"user-{len(statuses)}"}
            answer = await door.post("/api/token/", json=guess)
            statuses.append(answer.status_code)
    assert statuses == [401, 401, 429]


@pytest.mark.parametrize("networks", ["0.0.0.0/0", "10.0.0.0/8, ::/0"])
def test_trust_m8_the_whole_internet_is_no_proxy_of_ours(networks: str) -> None:
    with pytest.raises(ValidationError, match="the whole internet"):
        Settings(trusted_proxies=networks)  # type: ignore[arg-type]  # as a variable has it
