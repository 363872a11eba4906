"""Handlers as users write them, good and bad; run in processes of their own, by whichever Python."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def echo(event: Any, _context: Any) -> Any:
    return event


def about(_event: Any, context: Any) -> Any:
    return {
        "name": context.function_name,
        "arn": context.invoked_function_arn,
        "request": context.aws_request_id,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "memory_mb": context.memory_limit_in_mb,
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
        "python": sys.version_info[:2],
        "input": sys.stdin.read(),
        "process": os.getpid(),
    }


def throw(_event: Any, _context: Any) -> None:
    raise LookupError("no such person: someone@example.com")


def answer_a_set(_event: Any, _context: Any) -> Any:
    return {1, 2}


def answer_nan(_event: Any, _context: Any) -> float:
    return float("nan")


def answer(size_bytes: int, _context: Any) -> str:
    return "x" * size_bytes


def wait(event: Any, _context: Any) -> None:
    Path(event).write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(60)


def spin(event: Any, _context: Any) -> None:
    """As hard to end as it can be: signals ignored, and a copy in the background."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    copy = os.fork()
    if copy:
        Path(event).write_text(f"{os.getpid()} {copy}", encoding="utf-8")
    while True:
        pass


def leave(code: int, _context: Any) -> None:
    os._exit(code)


def exit_politely(_event: Any, _context: Any) -> None:
    sys.exit(4)


def crash(number: int, _context: Any) -> None:
    os.kill(os.getpid(), number)


def take_memory(size_bytes: int, _context: Any) -> int:
    return len(bytearray(size_bytes))


def write_file(event: Any, _context: Any) -> int:
    with Path(event["path"]).open("wb") as file:
        file.truncate(event["size_bytes"])
    return int(event["size_bytes"])


def fork(_event: Any, _context: Any) -> int:
    """Forgets that there are two of it from here on."""
    os.fork()
    return os.getpid()


def say(event: Any, _context: Any) -> None:
    sys.stdout.write(event["out"])
    sys.stderr.write(event["err"])


def say_much(size_bytes: int, _context: Any) -> int:
    for _ in range(size_bytes // 1_000_000):
        sys.stdout.write("x" * 999_999 + "\n")
    return size_bytes


def close_everything(_event: Any, _context: Any) -> None:
    os.closerange(0, 100)
    time.sleep(60)


def leave_a_daemon(event: Any, _context: Any) -> None:
    """Which holds on to everything that it inherited."""
    if os.fork() == 0:
        os.setsid()
        Path(event).write_text(str(os.getpid()), encoding="utf-8")
        time.sleep(60)
    while not Path(event).exists():
        time.sleep(0.01)
    os._exit(0)


def talk_nonsense(_event: Any, _context: Any) -> None:
    for number in range(3, 4096):
        try:
            os.write(number, b"nonsense\n" * 1000)
        except OSError:
            continue
    # An answer must not overtake it.
    time.sleep(10)
