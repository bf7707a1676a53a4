"""The web server's process: uvicorn, which at its end does not wait for streams that would never end."""

import socket
import sys
from contextlib import suppress

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from core.notifications.listening import Listener


class StreamEndingServer(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the open streams first: uvicorn waits for answers before it tells the application to stop."""
        listener: Listener = self.config.app.state.listener  # type: ignore[union-attr]
        await listener.close()
        await super().shutdown(sockets)


def run_server(config: uvicorn.Config) -> None:
    """As uvicorn.run does, which takes no server of one's own."""
    server = StreamEndingServer(config)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)
