"""The process of a local function, from its inside: a program for whichever Python the user chose, 3.8 or later.

It imports nothing of ours. Lambda's own runtime client, awslambdaric, loads the handler, makes its context, calls it
and words its errors; only where that client would speak HTTP with Amazon's machine, this one speaks with our process,
over a socket that nobody else can open (docs/decisions/0015). A message is one line of JSON and then `size` bytes.
"""

import fcntl
import json
import os
import resource
import select
import signal
import socket
import sys
import threading
from io import BufferedRWPair
from pathlib import Path
from typing import Any

# Lambda's own for a function's temporary files.
FILE_BYTES = 512 << 20


def main(socket_number: str, handler: str, memory_bytes: str, packages: str) -> None:
    """Serve calls until there are none any more."""
    live_no_longer_than_the_server()
    set_limits(int(memory_bytes))
    connection = socket.socket(fileno=int(socket_number)).makefile("rwb")
    # The handler's folder, and not this file's.
    sys.path = [str(Path.cwd()), *(folder for folder in sys.path if folder != str(Path(__file__).parent))]
    try:
        bootstrap, client = load(connection, packages)
    except ImportError as error:
        message = "awslambdaric cannot be imported by " + sys.executable + ": " + str(error)
        sys.stderr.write(message + "\n")
        failure = {"errorType": "Runtime.NoClient", "errorMessage": message}
        send(connection, "init", "", json.dumps(failure).encode())
        return
    bootstrap.run(handler, client)


def live_no_longer_than_the_server() -> None:
    """Have this process and its children killed when the server's end of our standard input closes, however it dies."""
    end = os.dup(0)
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    if hasattr(fcntl, "F_SETSIG"):
        # Linux does it by itself, whatever the handler does meanwhile.
        fcntl.fcntl(end, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(end, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(end, fcntl.F_SETFL, fcntl.fcntl(end, fcntl.F_GETFL) | os.O_ASYNC)
    else:
        threading.Thread(target=die_with, args=(end,), daemon=True).start()
    # It may have closed before.
    if select.select([end], [], [], 0)[0]:
        die_with(end)


def die_with(end: int) -> None:
    """Wait for the end of a pipe that nobody writes to, then kill the process group."""
    os.read(end, 1)
    os.killpg(0, signal.SIGKILL)


def set_limits(memory_bytes: int) -> None:
    """What the handler may take; macOS knows no limit of memory."""
    for kind, limit in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        try:
            resource.setrlimit(kind, (most, most))
        except (OSError, ValueError):
            if sys.platform.startswith("linux"):
                raise


def load(connection: BufferedRWPair, packages: str) -> Any:
    """Lambda's bootstrap, from the server's packages, and the client it is to use.

    The handler sees nothing else of these packages, unless its Python is the server's own.
    """
    sys.path.insert(0, packages)
    try:
        from awslambdaric import bootstrap, lambda_literals  # noqa: PLC0415 - found only now
        from awslambdaric.lambda_runtime_client import InvocationRequest  # noqa: PLC0415 - likewise
        from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller  # noqa: PLC0415 - likewise
    finally:
        sys.path.remove(packages)
    # What is printed beside an error in loading the handler; its own words speak of updates at Amazon.
    lambda_literals.lambda_unhandled_exception_warning_message = "The handler could not be loaded."
    return bootstrap, Client(connection, InvocationRequest, LambdaMarshaller())


class Client:
    """What the bootstrap takes for Lambda's client."""

    def __init__(self, connection: BufferedRWPair, request: Any, marshaller: Any) -> None:
        self.marshaller = marshaller
        self._connection = connection
        self._request = request
        self._process = os.getpid()

    def wait_next_invocation(self) -> Any:
        """The next call; ends the process when there will be none."""
        self._end_copies()
        line = self._connection.readline()
        if not line:
            sys.exit(0)
        head = json.loads(line)
        return self._request(
            invoke_id=head["id"],
            invoked_function_arn=head["arn"],
            deadline_time_in_ms=head["deadline_ms"],
            event_body=self._connection.read(head["size"]),
            content_type="application/json",
            x_amzn_trace_id=None,
            client_context=None,
            cognito_identity=None,
            tenant_id=None,
            invocation_id=None,
        )

    def post_invocation_result(self, invoke_id: str, result: Any, *_: Any) -> None:
        """What the handler returned."""
        self._end_copies()
        send(self._connection, "response", invoke_id, result if isinstance(result, bytes) else result.encode())

    def post_invocation_error(self, invoke_id: str, error: str, *_: Any) -> None:
        """What the handler raised."""
        self._end_copies()
        send(self._connection, "error", invoke_id, error.encode())

    def post_init_error(self, error: Any, *_: Any) -> None:
        """Why the handler could not be loaded; the bootstrap ends the process."""
        send(self._connection, "init", "", json.dumps(error).encode())

    def _end_copies(self) -> None:
        """A handler that forked and forgot to end the copy must not answer twice."""
        if os.getpid() != self._process:
            os._exit(1)


def send(connection: BufferedRWPair, kind: str, invoke_id: str, body: bytes) -> None:
    """Send a message to the server."""
    head = {"kind": kind, "id": invoke_id, "size": len(body)}
    connection.write(json.dumps(head).encode() + b"\n" + body)
    connection.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
