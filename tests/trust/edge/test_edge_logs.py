"""L2: no token and no proof of a visitor reaches a log of ours."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from websockets.exceptions import ConnectionClosed

from persistence.database import Pool
from persistence.users import User
from tests.support.api import sign
from tests.support.logs import written_log
from tests.support.servers.http_server import open_socket, serving
from tests.support.website import running_website

VISITOR = "visitor-0001"


async def test_trust_l2_the_log_has_no_token_of_a_visitor(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    with written_log(tmp_path, "web"):
        async with running_website(pool, dsn) as website:
            token, guess = website.sign(VISITOR), "0" * 64
            address = f"ws://{website.address}/ws/website/shop-key-1/{VISITOR}"
            async with open_socket(f"{address}?token={token}") as socket:
                await socket.close()
            async with open_socket(f"{address}?visitor_hash={guess}") as socket:
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
    logged = read_logs(tmp_path)
    assert "shard_started" in logged
    assert token not in logged
    assert guess not in logged


async def test_trust_l2_the_log_has_no_token_of_a_user(
    app: FastAPI, alice: User, tmp_path: Path
) -> None:
    token = sign(app, alice)
    with written_log(tmp_path, "web"):
        async with serving(app) as server:
            address = f"ws://{server}/ws/conversations/"
            for query, offer in (
                (f"?token={token}", ()),
                ("", ("pilito.token", token)),
            ):
                async with open_socket(address + query, subprotocols=offer) as socket:
                    assert "welcome" in str(await socket.recv())
    assert token not in read_logs(tmp_path)


def read_logs(folder: Path) -> str:
    files = (path for path in folder.rglob("*") if path.is_file())
    return "".join(path.read_text(encoding="utf-8") for path in files)
