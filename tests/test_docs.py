"""Documents tell the truth: what they name exists, what is generated is up to date, and examples run."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer.main

from repoint.campaigns.reasons import STATUSES
from repoint.cli.main import command_line
from repoint.db.programs import major_version, server_programs
from repoint.delivery.provider import KINDS
from repoint.delivery.routes import read_routes
from repoint.settings import Settings
from repoint.tables import Function
from scripts import gather_changelog, write_parity, write_providers, write_settings
from tests.fixtures.server import REGION, Server

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("changelog.d/*.md")])
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
PLACES = re.compile(r"`((?:[\w.-]+/)+[\w.-]*\w\.\w+|(?:[a-z_]+/)+)`")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def blocks(page: Path, language: str) -> list[str]:
    return [text for name, text in FENCED.findall(page.read_text(encoding="utf-8")) if name == language]


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(prose(page)) if not leads_somewhere(page, link)]

    assert broken == []


def leads_somewhere(page: Path, link: str) -> bool:
    if link.startswith("https://"):
        return True
    place, _, heading = link.partition("#")
    target = (page.parent / place) if place else page
    return target.exists() and (not heading or heading in anchors(target))


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_files_that_are_named_exist(page: Path) -> None:
    roots = (ROOT, ROOT / "src", ROOT / "src" / "repoint")
    named = [name for name in PLACES.findall(prose(page)) if not name.startswith(("postgres/", "files/<"))]

    missing = [name for name in named if not any((root / name).exists() for root in roots)]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_make_targets_that_are_named_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"^make ([a-z]+)", "\n".join(body for _, body in FENCED.findall(text)), re.MULTILINE)
    named += re.findall(r"`make ([a-z]+)", prose(page))

    missing = [name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_commands_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"^(?:\$ )?repoint (.*)$", "\n".join(body for _, body in FENCED.findall(text)), re.MULTILINE)
    named += re.findall(r"`repoint ([^`]*)`", prose(page))

    wrong = [line for line in named if not is_command(shlex.split(line, comments=True))]

    assert wrong == []


def is_command(words: list[str]) -> bool:
    """Whether the words are a command of ours with options that it has; its arguments may be anything."""
    command: Any = typer.main.get_command(command_line([]))
    # A group may have options of its own, and then do something itself.
    while hasattr(command, "commands") and words and not (command.invoke_without_command and words[0][0] == "-"):
        if words[0] not in command.commands:
            return False
        command, *words = command.commands[words[0]], *words[1:]
    options = {name for parameter in command.params for name in parameter.opts}
    return all(word in options for word in words if word.startswith("--"))


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_settings_that_are_named_exist(page: Path) -> None:
    known = {f"REPOINT_{name.upper().replace('.', '__')}" for name, _ in write_settings.settings()}
    named = set(re.findall(r"\bREPOINT_[A-Z0-9_]*[A-Z0-9]", page.read_text(encoding="utf-8")))

    # Providers have names of the user's own.
    assert {name for name in named - known if not name.startswith("REPOINT_PROVIDERS__")} == set()


def test_every_setting_is_described() -> None:
    silent = [name for name, field in write_settings.settings() if not field.description]

    assert silent == []


def test_the_table_of_settings_is_up_to_date() -> None:
    page = write_settings.PAGE.read_text(encoding="utf-8")

    assert write_settings.renewed(page) == page, "run make settings"


def test_the_list_of_operations_is_up_to_date() -> None:
    assert write_parity.PAGE.read_text(encoding="utf-8") == write_parity.render(), "run make parity"


def test_the_list_of_providers_is_up_to_date() -> None:
    assert write_providers.PAGE.read_text(encoding="utf-8") == write_providers.render(), "run make providers"


def test_every_option_of_a_provider_is_described() -> None:
    silent = [
        f"{name}.{option}"
        for name, kind in KINDS.items()
        for option, field in kind.options.model_fields.items()
        if not field.description
    ]

    assert silent == []


def test_the_examples_of_providers_are_valid() -> None:
    relays, amazon = blocks(write_providers.PAGE, "toml")

    routes = read_routes(Settings(**tomllib.loads(relays)))
    amazons = read_routes(Settings(**tomllib.loads(amazon)))

    assert routes.names("any", "EMAIL") == ("relay", "spare")
    assert routes.names("0123456789abcdef0123456789abcdef", "EMAIL") == ("spare",)
    assert amazons.names("any", "SMS") == ("texts",)


def test_fragments_of_the_changelog_are_sentences() -> None:
    texts = {path.name: path.read_text(encoding="utf-8").strip() for path in gather_changelog.fragments()}

    assert gather_changelog.gathered()
    assert [name for name, text in texts.items() if not re.fullmatch(r"[A-Z`].*\.", text, re.DOTALL)] == []


def test_the_glossary_is_in_order() -> None:
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    words = [row.lower() for row in rows[1:]]

    assert words == sorted(words)


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]

    assert numbers == list(range(1, len(numbers) + 1))


def test_the_example_of_repoint_toml_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks(ROOT / "docs" / "operations.md", "toml")
    (tmp_path / "repoint.toml").write_text(example, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    settings = Settings()

    assert settings.account_id == "123456789012"
    assert settings.throttles["UpdateEndpoint"].rate == 500


def test_the_example_of_functions_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example, _ = blocks(ROOT / "docs" / "functions.md", "toml")
    (tmp_path / "repoint.toml").write_text(example, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    functions = Settings().functions

    assert functions["plain"].file == "hooks.py:greet"
    assert sorted(functions) == ["deliver", "greet", "plain", "recommend"]


def test_the_example_of_custom_channels_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, example = blocks(ROOT / "docs" / "functions.md", "toml")
    (tmp_path / "repoint.toml").write_text(example, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    routes = read_routes(Settings())

    application, url = "0123456789abcdef0123456789abcdef", "https://hooks.example/deliver"
    assert routes.names("any", "CUSTOM", "deliver") == ("own",)
    assert routes.names("any", "CUSTOM", url) == ("custom_webhook",)
    assert routes.names(application, "CUSTOM", "deliver") == ("own",)
    assert routes.names(application, "CUSTOM", url) == ("hooks",)


def test_every_member_of_a_function_is_explained() -> None:
    page = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8")
    members = [field.alias or name for name, field in Function.model_fields.items()]

    assert re.findall(r"^\| `(\w+)` \| [^|]*\| [^|]+ \|$", page, re.MULTILINE) == members


def test_every_status_of_the_ledger_is_explained() -> None:
    page = (ROOT / "docs" / "campaigns.md").read_text(encoding="utf-8")

    assert dict(re.findall(r"^\| `([A-Z_]+)` \| (.*) \|$", page, re.MULTILINE)) == STATUSES


@pytest.fixture
def environment(server: Server, tmp_path: Path) -> dict[str, str]:
    """What a reader has pasted: where the server is, and a key."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL_PINPOINT": server.url,
        "AWS_ACCESS_KEY_ID": server.key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": server.key.secret,
        "AWS_DEFAULT_REGION": REGION,
    }


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=relative)
def test_examples_in_python_print_what_stands_beside_them(page: Path, environment: dict[str, str]) -> None:
    program = "\n".join(blocks(page, "python"))
    expected = re.findall(r"^print\(.*\)  # (.*)$", program, re.MULTILINE)

    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=60
    )

    assert (run.stdout.splitlines(), run.stderr) == (expected, "")


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "console")], ids=relative)
def test_examples_for_the_shell_run(page: Path, environment: dict[str, str], tmp_path: Path) -> None:
    program = "\n".join(re.findall(r"^\$ (.*)$", "".join(blocks(page, "console")), re.MULTILINE))

    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert run.returncode == 0, run.stdout + run.stderr


def test_what_was_dumped_can_be_restored(client: Any, database_url: str, tmp_path: Path) -> None:
    programs = server_programs()
    with psycopg.connect(database_url) as connection:
        if connection.info.server_version // 10_000 != major_version(programs):
            pytest.skip("the page's commands are for the embedded server's own version")
    app = client.create_app(CreateApplicationRequest={"Name": "shop"})["ApplicationResponse"]
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    dump, restore = re.findall(r'^"\$programs/pg_\w+" .*$', operations, re.MULTILINE)
    environment = {**os.environ, "programs": str(programs), "url": database_url}

    subprocess.run(["bash", "-c", dump], env=environment, cwd=tmp_path, check=True)
    client.delete_app(ApplicationId=app["Id"])
    subprocess.run(["bash", "-c", restore], env=environment, cwd=tmp_path, check=True)

    assert client.get_app(ApplicationId=app["Id"])["ApplicationResponse"]["Name"] == "shop"


def test_every_table_is_explained() -> None:
    folder = ROOT / "src" / "repoint" / "db"
    migrations = [folder / "migrate.sql", *folder.glob("migrations/*.sql")]
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

    tables = {
        name
        for path in migrations
        for name in re.findall(
            r"^CREATE TABLE (?:IF NOT EXISTS )?(\w+)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
        if not name.startswith("procrastinate_")
    }

    assert {name for name in tables if f"`{name}`" not in page} == set()


def test_every_room_is_explained() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    source = ROOT / "src" / "repoint"
    rooms = [f"{path.parent.name}/" for path in source.glob("*/__init__.py")]
    rooms += [path.name for path in source.glob("[a-z]*.py")]

    assert [room for room in rooms if f"| `{room}` |" not in page] == []
