"""One application for many tests: making one takes longer than most tests do."""

from dataclasses import replace
from pathlib import Path

from litestar import Litestar

from core.notifications.listening import Listener
from core.process import Process
from web.app import create_app

_apps: dict[str, Litestar] = {}


def app_of(process: Process) -> Litestar:
    """The application that works on this process from now on; made once for processes with the same settings but for
    their places. A process of an earlier test is not served any more.
    """
    alike = repr(replace(process.settings, database_url="", data_dir=Path()))
    app = _apps.get(alike)
    if app is None:
        app = _apps[alike] = create_app(process)
    else:
        app.state.process, app.state.listener = process, Listener(process.settings)
    return app
