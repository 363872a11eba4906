import subprocess
import sys

from tests.fixtures.processes import repoint


def test_help_names_every_command() -> None:
    answer = repoint("--help")

    assert answer.returncode == 0
    for command in ("api", "db", "export", "files", "import", "keys", "serve", "settings", "worker"):
        assert f" {command} " in answer.stdout


def test_every_command_explains_itself() -> None:
    for command in ("api", "db", "export", "files", "import", "keys", "serve", "settings", "worker"):
        answer = repoint(command, "--help")

        assert answer.returncode == 0, answer.stderr
        assert f"repoint {command}" in answer.stdout


def test_an_unknown_command_is_refused() -> None:
    answer = repoint("sreve")

    assert answer.returncode == 2
    assert "No such command 'sreve'" in answer.stderr
    assert "serve" in answer.stderr


def test_a_command_does_not_read_the_files_of_others() -> None:
    script = (
        "import sys; from repoint.cli.main import command_line; command_line(['settings']);"
        "print([name for name in sys.modules if name.startswith(('botocore', 'psycopg', 'uvicorn'))])"
    )

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert answer.stdout == "[]\n"


def test_the_shell_completes_commands() -> None:
    asked = {"_REPOINT_COMPLETE": "complete_bash", "COMP_WORDS": "repoint ser", "COMP_CWORD": "1"}

    answer = subprocess.run(
        [f"{sys.prefix}/bin/repoint"], env=asked, capture_output=True, text=True, check=False, timeout=60
    )

    assert answer.stdout.split() == ["serve"]


def test_completion_can_be_installed_for_a_shell() -> None:
    answer = repoint("--show-completion", "bash")

    assert "_REPOINT_COMPLETE" in answer.stdout or "_COMPLETE" in answer.stdout
