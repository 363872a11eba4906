"""Local functions, in real processes: that they answer, and what their worst does to us."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvloop
from pydantic import SecretStr
from structlog.testing import capture_logs

from repoint.functions.local import pool as module
from repoint.functions.local.pool import LocalFunction, open_local
from repoint.functions.result import Failed, FailureKind, Result, Returned
from repoint.tables import Function
from tests.fixtures.processes import wait_until

HANDLERS = Path(__file__).resolve().parents[1] / "handlers.py"
ARN = "arn:aws:lambda:eu-north-1:111122223333:function:greet:live"


@asynccontextmanager
async def opened(handler: str, file: Path = HANDLERS, **changes: Any) -> AsyncIterator[LocalFunction]:
    async with open_local("greet", Function(file=f"{file}:{handler}", **changes), "eu-north-1") as function:
        yield function


async def call(function: LocalFunction, event: Any = None) -> Result:
    return await function.call(ARN, msgspec.json.encode(event))


async def called(handler: str, event: Any = None, **changes: Any) -> Result:
    async with opened(handler, **changes) as function:
        return await call(function, event)


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it has not only not been buried yet."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


async def test_a_handler_is_given_the_payload_and_answers() -> None:
    event = {"Endpoints": {"é": {"Attributes": {"plan": ["pro"], "n": [1.5]}}}, "none": None}

    assert await called("echo", event) == Returned(event)


async def test_a_context_tells_about_the_call() -> None:
    async with opened("about", timeout_s=9, memory_mb=512) as function:
        first, second = await call(function), await call(function)

    assert isinstance(first, Returned)
    assert isinstance(second, Returned)
    told = first.value
    assert (told["name"], told["arn"], told["memory_mb"]) == ("greet", ARN, "512")
    assert 6_000 < told["remaining_ms"] <= 9_000
    assert len({first.value["request"], second.value["request"]}) == 2


async def test_a_process_is_warm_after_its_first_call() -> None:
    async with opened("about") as function:
        first, second = await call(function), await call(function)

    assert isinstance(first, Returned)
    assert isinstance(second, Returned)
    assert first.value["process"] == second.value["process"] != os.getpid()


async def test_nothing_of_the_servers_environment_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    monkeypatch.setenv("REPOINT_MASTER_KEY", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    result = await called("about", env={"TABLE": SecretStr("orders")})

    assert isinstance(result, Returned)
    environment = result.value["environment"]
    assert environment["TABLE"] == "orders"
    assert environment["AWS_REGION"] == "eu-north-1"
    assert environment["PATH"] == os.environ["PATH"]
    names = {name for name in environment if not name.startswith(("AWS_", "LAMBDA_", "_", "LC_"))}
    assert names <= {"PATH", "LD_LIBRARY_PATH", "LANG", "TZ", "TMPDIR", "TABLE"}
    assert "secret" not in str(environment)


@pytest.mark.parametrize("env", [{}, {"PYTHONSAFEPATH": SecretStr("1")}])
async def test_a_handler_runs_beside_its_file_and_has_no_input(tmp_path: Path, env: dict[str, SecretStr]) -> None:
    (tmp_path / "beside.py").write_text("GREETING = 'hello'\n")
    (tmp_path / "hook.py").write_text("import beside\ndef greet(event, context): return beside.GREETING\n")

    async with opened("greet", tmp_path / "hook.py", env=env) as function:
        result = await call(function)
    about = await called("about")

    assert result == Returned("hello")
    assert isinstance(about, Returned)
    assert (about.value["folder"], about.value["input"]) == (str(HANDLERS.parent), "")


@pytest.mark.parametrize(
    ("handler", "kind", "error_type"),
    [
        ("throw", FailureKind.THREW, "LookupError"),
        ("answer_a_set", FailureKind.NO_JSON, "Runtime.MarshalError"),
        ("none", FailureKind.THREW, "Runtime.HandlerNotFound"),
    ],
)
async def test_a_handler_that_fails_tells_how(handler: str, kind: FailureKind, error_type: str) -> None:
    result = await called(handler)

    assert isinstance(result, Failed)
    assert (result.kind, result.error_type) == (kind, error_type)
    assert result.detail == f"the function failed: {error_type}"


async def test_a_handler_that_throws_is_called_again_in_the_same_process(tmp_path: Path) -> None:
    file = tmp_path / "hook.py"
    file.write_text("import os\ndef throw(event, context): raise KeyError(os.getpid())\n")

    async with opened("throw", file) as function:
        first, second = await call(function), await call(function)

    assert isinstance(first, Failed)
    assert isinstance(second, Failed)
    assert first.error_message == second.error_message


@pytest.mark.parametrize(
    ("source", "error_type"),
    [
        ("import nothing_of_this_name", "Runtime.ImportModuleError"),
        ("def handler(event context):", "Runtime.UserCodeSyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
async def test_a_file_that_cannot_be_loaded_is_told(tmp_path: Path, source: str, error_type: str) -> None:
    (tmp_path / "hook.py").write_text(source)

    async with opened("handler", tmp_path / "hook.py") as function:
        results = [await call(function), await call(function)]

    assert [(result.kind, result.error_type) for result in results if isinstance(result, Failed)] == [
        (FailureKind.THREW, error_type)
    ] * 2


async def test_an_error_in_loading_is_logged_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "hook.py").write_text("1 / 0")

    with capture_logs() as logs:
        async with opened("handler", tmp_path / "hook.py") as function:
            await call(function)

    first, second, *_ = [each["line"] for each in logs]
    assert re.fullmatch(r"\[WARNING\] \S+  The handler could not be loaded\.", first)
    assert second == "[ERROR] ZeroDivisionError: division by zero"


async def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with opened("handler", tmp_path / "none.py") as function:
        assert await call(function) == Failed(FailureKind.NOT_FOUND, f"there is no file {tmp_path}/none.py")
        assert await function.check() == Failed(FailureKind.NOT_FOUND, f"there is no file {tmp_path}/none.py")


async def test_a_changed_file_is_what_the_next_call_runs(tmp_path: Path) -> None:
    file = tmp_path / "hook.py"
    file.write_text("def handler(event, context): return 'before'\n")

    async with opened("handler", file) as function:
        before = await call(function)
        file.write_text("def handler(event, context): return 'afterwards'\n")
        os.utime(file, ns=(0, 1))
        afterwards = await call(function)

    assert (before, afterwards) == (Returned("before"), Returned("afterwards"))


@pytest.mark.parametrize(
    ("handler", "event", "ending"),
    [
        ("leave", 3, "the process ended with exit code 3"),
        ("leave", 0, "the process ended with exit code 0"),
        ("exit_politely", None, "the process ended with exit code 4"),
        ("crash", signal.SIGSEGV, "the process was killed by signal 11"),
        ("talk_nonsense", None, "the process did not keep to the protocol"),
    ],
)
async def test_a_process_that_ends_is_told(handler: str, event: Any, ending: str) -> None:
    assert await called(handler, event) == Failed(FailureKind.CRASHED, ending)


async def test_a_process_that_ended_is_replaced() -> None:
    async with opened("leave") as function:
        first, second = await call(function, 1), await call(function, 2)

    assert first == Failed(FailureKind.CRASHED, "the process ended with exit code 1")
    assert second == Failed(FailureKind.CRASHED, "the process ended with exit code 2")


async def test_a_daemon_that_is_left_holds_nothing_up(tmp_path: Path) -> None:
    async with opened("leave_a_daemon") as function:
        async with asyncio.timeout(5):
            result = await call(function, str(tmp_path / "pid"))
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

    assert result == Failed(FailureKind.CRASHED, "the process ended with exit code 0")


async def test_a_process_that_dies_between_calls_costs_no_call() -> None:
    async with opened("about") as function:
        first = await call(function)
        assert isinstance(first, Returned)
        os.kill(first.value["process"], signal.SIGKILL)
        await asyncio.to_thread(wait_until, lambda: not is_running(first.value["process"]))
        second = await call(function)

    assert isinstance(second, Returned)


# Two of them must have begun by then; the third ends by itself a second later.
@pytest.mark.parametrize(("handler", "timeout_s"), [("wait", 3), ("spin", 3), ("close_everything", 0.5)])
async def test_a_call_without_end_is_ended_with_all_it_started(tmp_path: Path, handler: str, timeout_s: float) -> None:
    async with opened(handler, timeout_s=timeout_s) as function:
        result = await call(function, str(tmp_path / "pids"))

        assert result == Failed(FailureKind.TIMED_OUT, f"no answer within {timeout_s:g} s", may_have_run=True)
        if handler != "close_everything":
            pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
            assert [pid for pid in pids if is_running(pid)] == []


async def test_a_cancelled_call_is_ended(tmp_path: Path) -> None:
    async with opened("spin") as function:
        calling = asyncio.create_task(call(function, str(tmp_path / "pids")))
        await asyncio.to_thread(wait_until, (tmp_path / "pids").exists)
        await asyncio.sleep(0.05)
        calling.cancel()
        await asyncio.wait([calling])

        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
        assert [pid for pid in pids if is_running(pid)] == []


async def test_memory_is_limited() -> None:
    async with opened("take_memory", memory_mb=256) as function:
        small = await call(function, 10_000_000)
        large = await call(function, 300_000_000)

    assert small == Returned(10_000_000)
    assert isinstance(large, Failed)
    assert (large.kind, large.error_type) == (FailureKind.THREW, "MemoryError")


async def test_files_are_limited(tmp_path: Path) -> None:
    async with opened("write_file") as function:
        small = await call(function, {"path": str(tmp_path / "small"), "size_bytes": 500_000_000})
        large = await call(function, {"path": str(tmp_path / "large"), "size_bytes": 600_000_000})

    assert small == Returned(500_000_000)
    assert isinstance(large, Failed)
    assert large.error_type == "OSError"


async def test_answers_are_limited() -> None:
    async with opened("answer") as function:
        largest = await call(function, 6_291_454)
        larger = await call(function, 6_291_455)
        afterwards = await call(function, 1)

    assert isinstance(largest, Returned)
    assert larger == Failed(FailureKind.TOO_LARGE, "the answer, 6291457 bytes, has more than 6291456")
    assert afterwards == Returned("x")


async def test_an_answer_that_is_no_json_is_told() -> None:
    assert await called("answer_nan") == Failed(FailureKind.NO_JSON, "the answer, 3 bytes, is not JSON")


async def test_a_forgotten_copy_neither_answers_nor_lives_on() -> None:
    async with opened("fork") as function:
        first, second = await call(function), await call(function)

    assert isinstance(first, Returned)
    assert first == second


async def test_calls_share_the_processes_there_may_be() -> None:
    async with opened("about", processes=2) as function:
        results = await asyncio.gather(*(call(function) for _ in range(10)))

    assert len({result.value["process"] for result in results if isinstance(result, Returned)}) == 2
    assert len([result for result in results if isinstance(result, Returned)]) == 10


async def test_who_finds_no_free_process_is_throttled(tmp_path: Path) -> None:
    # The second one waits from the beginning, the first one is given its time when its process has started.
    async with opened("wait", processes=1, timeout_s=0.3) as function:
        first, second = await asyncio.gather(*(call(function, str(tmp_path / "pid")) for _ in range(2)))

    assert first == Failed(FailureKind.TIMED_OUT, "no answer within 0.3 s", may_have_run=True)
    assert second == Failed(FailureKind.THROTTLED, "all of its processes (1) are busy")


async def test_idle_processes_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_S", 0.1)

    async with opened("about") as function:
        result = await call(function)
        assert isinstance(result, Returned)
        await asyncio.to_thread(wait_until, lambda: not is_running(result.value["process"]))


async def test_the_end_leaves_no_process_behind() -> None:
    async with opened("about") as function:
        idle = await call(function)
        assert isinstance(idle, Returned)
        assert is_running(idle.value["process"])

    assert not is_running(idle.value["process"])


def test_the_servers_own_event_loop_does_all_of_it(tmp_path: Path) -> None:
    async def main() -> list[Result]:
        async with opened("echo") as echoes, opened("leave") as leaves, opened("spin", timeout_s=3) as spins:
            results = await asyncio.gather(
                call(echoes, 1), call(leaves, 3), call(spins, str(tmp_path / "pids")), call(echoes, 2)
            )
            return [*results, await call(echoes, "x" * 5_000_000), await called("echo", python="/nowhere/python3")]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        results = runner.run(main())

    assert results == [
        Returned(1),
        Failed(FailureKind.CRASHED, "the process ended with exit code 3"),
        Failed(FailureKind.TIMED_OUT, "no answer within 3 s", may_have_run=True),
        Returned(2),
        Returned("x" * 5_000_000),
        Failed(FailureKind.NOT_FOUND, "/nowhere/python3 cannot be run: No such file or directory"),
    ]
    assert not any(is_running(int(pid)) for pid in (tmp_path / "pids").read_text().split())


@pytest.mark.parametrize("version", ["3.8", "3.13"])
async def test_another_python_runs_it(version: str) -> None:
    result = await called("about", python=another_python(version))

    assert isinstance(result, Returned)
    assert result.value["python"] == [int(part) for part in version.split(".")]


async def test_a_python_that_lacks_something_is_told(tmp_path: Path) -> None:
    (tmp_path / "decimal.py").write_text("raise ImportError('no decimals here')")

    with capture_logs() as logs:
        result = await called("echo", env={"PYTHONPATH": SecretStr(str(tmp_path))})

    told = f"awslambdaric cannot be imported by {sys.executable}: no decimals here"
    assert result == Failed(FailureKind.THREW, "the function failed: Runtime.NoClient", "Runtime.NoClient", told)
    assert [each["line"] for each in logs] == [told]


async def test_a_python_that_is_too_old_is_told() -> None:
    result = await called("echo", python=another_python("2.7"))

    assert result == Failed(FailureKind.CRASHED, "the process ended with exit code 1")


def another_python(version: str) -> str:
    """A Python of this version, without anything of ours; skips the test where there is none."""
    places = [shutil.which(f"python{version}"), *Path.home().glob(f".pyenv/versions/{version}.*/bin/python")]
    for place in places:
        if place and subprocess.run([place, "-c", ""], check=False, capture_output=True).returncode == 0:
            return str(place)
    pytest.skip(f"there is no Python {version} here")


async def test_a_python_that_is_not_there_is_told() -> None:
    result = await called("echo", python="/nowhere/python3")

    assert result == Failed(FailureKind.NOT_FOUND, "/nowhere/python3 cannot be run: No such file or directory")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a handler that is in C code may live on for a while")
def test_nothing_outlives_a_killed_server(tmp_path: Path) -> None:
    program = f"""
import asyncio
from repoint.functions.local.pool import open_local
from repoint.tables import Function

async def main():
    async with open_local("greet", Function(file={f"{HANDLERS}:spin"!r}), "eu-north-1") as function:
        await function.call("arn", b'"{tmp_path}/pids"')

asyncio.run(main())
"""
    server = subprocess.Popen([sys.executable, "-c", program])
    wait_until(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text())
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert [pid for pid in pids if is_running(pid)] == pids

    server.kill()
    server.wait()

    wait_until(lambda: not any(is_running(pid) for pid in pids))


async def test_what_is_printed_is_logged_with_the_request() -> None:
    with capture_logs() as logs:
        async with opened("say") as function:
            await call(function, {"out": "one\ntwo \x1b[2J\n", "err": "three"})

    assert [(each["function"], each["line"]) for each in logs] == [
        ("greet", "one"),
        ("greet", "two  [2J"),
        ("greet", "three"),
    ]
    assert len({each["request_id"] for each in logs}) == 1


async def test_printing_without_end_is_cut() -> None:
    with capture_logs() as logs:
        async with opened("say_much") as function:
            result = await call(function, 100_000_000)

    assert result == Returned(100_000_000)
    assert [len(each["line"]) for each in logs if "line" in each] == [8_192] * 7
    assert [each["event"] for each in logs if each["log_level"] == "warning"] == [
        "A function prints more than is logged"
    ]
