"""The other end of `supervise.py`: how a child takes its orders and notices that its supervisor is gone."""

import json
import os
import signal
import sys
import threading
import time
from typing import Any

# What a process that was told to stop may take before it is ended by force.
LAST_RESORT_S = 30.0


def take_orders() -> dict[str, Any]:
    """Wait for the line of orders on standard input; from then on its end stops this process.

    Ends the process when the supervisor is gone before it gave any.
    """
    line = sys.stdin.buffer.readline()
    if not line:
        sys.exit(0)
    threading.Thread(target=_stop_with_supervisor, name="supervisor", daemon=True).start()
    orders: dict[str, Any] = json.loads(line)
    return orders


def _stop_with_supervisor() -> None:
    # The bare file: a thread that waits inside a buffered reader holds its lock when the interpreter shuts down.
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LAST_RESORT_S)
    os._exit(1)
