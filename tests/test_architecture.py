"""What holds of the source as a whole; each failure says what to do."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "repoint"
TESTS = ROOT / "tests"

MODULES = sorted(SOURCE.rglob("*.py"))
TEST_FILES = sorted(TESTS.rglob("test_*.py"))
WRITTEN_BY_HAND = [path for path in [*MODULES, *TESTS.rglob("*.py")] if path.name != "shapes.py"]
NAMED_AFTER_NOTHING = {"utils", "util", "common", "misc", "manager", "service", "helpers", "repository", "schemas"}

# Statements about a session or a server, which are no question to the data.
SQL_ELSEWHERE = {
    "db/pool.py": "settings of a new session",
}
SQL = re.compile(
    r"\s*(SELECT\s|INSERT INTO\s|UPDATE\s+\w+\s+SET\s|DELETE FROM\s|WITH\s+\w+\s+AS\s|COPY\s|CREATE\s|ALTER\s|DROP\s|"
    r"TRUNCATE\s|LOCK TABLE\s|SET\s+\w+\s*=|NOTIFY\s|LISTEN\s)"
)

REGISTRY_HOST = re.compile(
    r"\b(pypi|pythonhosted|npmjs|yarnpkg|crates|rubygems|jfrog|artifactory|anaconda)\.(org|com|io|net)\b"
    r"|--(extra-)?index-url\s+\S*:|--find-links"
)
SILENCED = re.compile(r"#\s*(noqa|type:\s*ignore)(?P<rest>.*)")
REASON = re.compile(r"(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*|\[[\w, -]+\])\s*(#|-)\s*\w+")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def project_files() -> Iterator[Path]:
    """Every text file that belongs to the project."""
    for path in [*ROOT.glob("*"), *ROOT.glob(".ci/*")]:
        if path.is_file():
            yield path
    for folder in ("src", "tests", "docs", "scripts", "examples", "benchmarks", "changelog.d"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".md", ".sql", ".json", ".toml", ".txt", ".sh", ".cfg"}:
                yield path


def test_rooms_import_downwards_only() -> None:
    linter = Path(sys.executable).parent / "lint-imports"

    answer = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_folder_of_the_package_is_a_package() -> None:
    folders = {path.parent for path in MODULES}

    bare = [relative(folder) for folder in folders if not (folder / "__init__.py").exists()]

    assert bare == [], "without __init__.py it is left out of an installation"


def test_modules_are_named_by_their_subject() -> None:
    nameless = [relative(path) for path in MODULES if path.stem in NAMED_AFTER_NOTHING]

    assert nameless == [], "name a module by the noun or verb of its subject"


def test_sql_stands_in_sql_files() -> None:
    found = [
        f"{relative(path)}:{line}"
        for path in MODULES
        if path.relative_to(SOURCE).as_posix() not in SQL_ELSEWHERE
        for line, text in strings(path)
        if SQL.match(text)
    ]

    assert found == [], "put the statement into the room's queries.sql and give it a name"


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Every string of a file but its docstrings, with its line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def test_rooms_take_time_and_ids_from_the_call_or_the_task() -> None:
    rooms = ("apps", "endpoints", "jobs", "resources", "segments", "templates")

    own = [
        relative(path)
        for path in MODULES
        if path.relative_to(SOURCE).parts[0] in rooms
        and re.search(r"\b(datetime\.now|utcnow|time\.time|uuid4)\(", path.read_text(encoding="utf-8"))
    ]

    assert own == [], "a test must be able to hold them still: call.now, call.new_id(), context.now()"


def test_a_room_keeps_its_sql_in_one_file() -> None:
    elsewhere = [
        relative(path)
        for path in SOURCE.rglob("*.sql")
        if path.name != "queries.sql" and path.relative_to(SOURCE).parts[0] != "db"
    ]

    assert elsewhere == [], "a room's SQL is its queries.sql"


def test_every_query_says_what_it_answers() -> None:
    silent = [
        f"{relative(path)}: {name}"
        for path in SOURCE.rglob("queries.sql")
        for name, comment in re.findall(r"^-- (\w+) --\s*\n(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        if not comment.startswith("-- ")
    ]

    assert silent == [], "a comment line below the name says what the statement answers"


def test_no_file_names_a_package_registry() -> None:
    naming = [
        relative(path)
        for path in project_files()
        if path != Path(__file__) and REGISTRY_HOST.search(path.read_text(encoding="utf-8", errors="replace"))
    ]

    assert naming == [], "where packages come from is a matter of the machine's configuration"


def test_the_lock_has_hashes_and_no_addresses() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")

    blocks = re.split(r"\n(?=[a-z0-9])", text)[1:]

    assert "://" not in text
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_lock_holds_every_need() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needs = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")

    names = [re.split(r"[^\w.-]", need)[0].lower() for need in needs]

    missing = [name for name in names if not re.search(rf"^{re.escape(name)}==", lock, re.MULTILINE)]
    assert missing == [], "run make lock"


def test_every_silenced_rule_has_its_reason() -> None:
    silent = [
        f"{relative(path)}:{number}"
        for path in WRITTEN_BY_HAND
        if path != Path(__file__)
        for number, above, line in numbered(path)
        if (match := SILENCED.search(line)) and not REASON.match(match["rest"]) and "# " not in above
    ]

    assert silent == [], "write the reason behind it: # noqa: S608 - the name is our own"


def numbered(path: Path) -> Iterator[tuple[int, str, str]]:
    """Each line with its number and the line above."""
    lines = ["", *path.read_text(encoding="utf-8").splitlines()]
    for number in range(1, len(lines)):
        yield number, lines[number - 1].strip(), lines[number]


def test_every_ruff_rule_that_is_off_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()

    bare = [line for line in lines if re.match(r'\s+"[A-Z]+\d*",\s*$', line)]

    assert bare == []


def test_every_make_target_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()

    unexplained = [name for name in phony if not re.search(rf"^{name}:[^#]*## \w", makefile, re.MULTILINE)]

    assert unexplained == []


@pytest.mark.parametrize("path", TEST_FILES, ids=relative)
def test_every_test_asserts_something(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}

    idle = [name for name in functions if name.startswith("test_") and not asserts(name, functions, set())]

    assert idle == []


def asserts(name: str, functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef], seen: set[str]) -> bool:
    """Whether a function asserts, itself or by a helper: one of its file, or one whose name says that it raises."""
    if name not in functions:
        return name.startswith(("assert_", "check", "expect_", "refuse_", "raises", "verify", "warns"))
    if name in seen:
        return False
    body = list(ast.walk(functions[name]))
    called = {called_name(node) for node in body if isinstance(node, ast.Call)}
    return any(isinstance(node, ast.Assert) for node in body) or any(
        asserts(other, functions, {*seen, name}) for other in called
    )


def called_name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
