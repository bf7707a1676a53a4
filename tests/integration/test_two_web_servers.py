"""What is saved through one web server is found by another one of the same deployment, without restarting anything."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from core.settings import Settings
from tests.demo_process import ROOT, free_port
from tests.factories import PASSWORD, Factory
from tests.integration.matchmaking import publish_profile

# A busy machine starts slowly; what is asserted is that it is found, and the time is printed.
START_S = 90
FOUND_S = 20


@pytest.fixture
def servers(settings: Settings) -> Iterator[list[str]]:
    """Addresses of two servers, each a process of its own, on one database and one data directory."""
    ports = [free_port(), free_port()]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "web.cli", "serve", "--stop-with-input"],
            cwd=ROOT,
            env={
                **os.environ,
                "DATABASE_URL": str(settings.database_url),
                "DATA_DIR": str(settings.data_dir),
                "SECRET_KEY": "two servers of one deployment",
                "PORT": str(port),
            },
            stdin=subprocess.PIPE,
        )
        for port in ports
    ]
    try:
        for port in ports:
            _wait_for(f"http://127.0.0.1:{port}/healthz")
        yield [f"http://127.0.0.1:{port}" for port in ports]
    finally:
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
        for process in processes:
            process.wait(timeout=60)


def _wait_for(address: str) -> None:
    started = time.monotonic()
    while time.monotonic() - started < START_S:
        try:
            if httpx.get(address, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise TimeoutError(f"{address} does not answer")


async def test_a_profile_saved_through_one_server_is_found_by_the_other(
    make: Factory, servers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    organization = await make.organization()
    await publish_profile(make, organization, "面向风电的轴承。")
    person = await make.member(organization)
    first, second = servers
    async with (
        httpx.AsyncClient(base_url=first, trust_env=False) as editor,
        httpx.AsyncClient(base_url=second, trust_env=False) as anybody,
    ):
        # Both indexes are there before, so that what is found afterwards came by following the change.
        for client in (editor, anybody):
            assert organization.name in (await client.get("/solvers", params={"q": "轴承"})).text
        await editor.get("/login")
        token = {"_csrf_token": editor.cookies["csrftoken"]}
        answer = await editor.post("/login", data={**token, "email": person.email, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        token = {"_csrf_token": editor.cookies["csrftoken"]}
        for term in ("金刚石热沉", "量子点背光"):
            assert organization.name not in (await anybody.get("/solvers", params={"q": term})).text
            saved = await editor.post(
                "/organization/profile",
                data={**token, "summary": f"制备{term}。", "visibility": "public"},
            )
            assert saved.status_code == 303, saved.text
            since = time.monotonic()
            while organization.name not in (await anybody.get("/solvers", params={"q": term})).text:
                assert time.monotonic() - since < FOUND_S, "the other server does not learn of it"
                await asyncio.sleep(0.05)
            with capsys.disabled():
                print(f"\nfound by the other server after {time.monotonic() - since:.2f} s")
