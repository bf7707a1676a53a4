"""Drives whole rounds through HTTP while web server and worker are killed, and looks at the end whether anything is missing.

`make kill-run` kills at every act of one round; `python -m tests.resilience.kill_run --rounds 2 --every 3 --seed 4` at
every third of two, at other moments. What was answered with 2xx or 3xx must be there at the end; what was not answered
may be there or not, but whole, and once however often it is sent.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psycopg

from core.database import libpq_url
from core.migrations import migrate
from core.postgres import database_server
from core.settings import Settings
from tests.integration.core.conftest import MailServer
from tests.resilience import way
from tests.resilience.cast import make_cast
from tests.resilience.figures import Figures
from tests.resilience.killing import Killer, Moment
from tests.resilience.looking import look
from tests.resilience.processes import Deployment
from tests.resilience.run import Run


def kill_run(
    *, rounds: int = 1, every: int = 1, seed: int = 1, only: Moment | None = None, url: str | None = None
) -> Figures:
    """Play rounds and kill at each `every`-th act; raises LostError where something is amiss.

    `url` names an empty, migrated database; without it an embedded server is started.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="jiebang-kill-", ignore_cleanup_errors=True) as name:
        base = Settings(data_dir=Path(name), secret_key="0" * 64)
        with database_server(replace(base, database_url=url) if url else base) as settings:
            assert settings.database_url is not None
            migrate(settings.database_url)
            cast = make_cast(settings, rounds)
            mail = MailServer()
            mail.start()
            deployment = Deployment(settings.database_url, mail.url, Path(name))
            try:
                deployment.start()
                with psycopg.connect(libpq_url(settings.database_url), autocommit=True) as database:
                    run = Run(Killer(deployment, database, seed=seed, every=every, only=only), database, cast)
                    for _ in range(rounds):
                        way.play(run)
                    run.settle()
                    look(run, mail)
            except BaseException:
                deployment.log.flush()
                print(Path(deployment.log.name).read_text(errors="replace")[-8000:], file=sys.stderr)
                raise
            finally:
                deployment.stop()
                mail.stop()
            run.figures.seconds = round(time.monotonic() - started, 1)
            return run.figures


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=Moment, choices=list(Moment), metavar="MOMENT", help=", ".join(Moment))
    options = parser.parse_args()
    figures = kill_run(rounds=options.rounds, every=options.every, seed=options.seed, only=options.only)
    print(json.dumps(figures.as_json(), ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
