import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import gather_changelog, set_up


@pytest.fixture
def fragments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "changelog.d"
    folder.mkdir()
    (folder / "README.md").write_text("how to", encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\nWords.\n\n## 0.1.0 (2026-01-01)\n\nOld.\n", encoding="utf-8")
    monkeypatch.setattr(gather_changelog, "FRAGMENTS", folder)
    monkeypatch.setattr(gather_changelog, "PAGE", tmp_path / "CHANGELOG.md")
    return folder


def test_gathering_puts_fragments_by_kind_above_the_older_versions(fragments: Path) -> None:
    (fragments / "b.fixed.md").write_text("Mended `GetApp`.\n", encoding="utf-8")
    (fragments / "a.added.md").write_text("Added\n`GetApps`.\n", encoding="utf-8")

    gather_changelog.main("0.2.0")

    text = gather_changelog.PAGE.read_text(encoding="utf-8")
    assert text.startswith("# Changelog\n\nWords.\n\n## 0.2.0 (")
    assert ")\n\n### Added\n\n- Added\n  `GetApps`.\n\n### Fixed\n\n- Mended `GetApp`.\n\n## 0.1.0 (2026-01-01)" in text


def test_gathering_leaves_only_the_readme(fragments: Path) -> None:
    (fragments / "a.added.md").write_text("Added `GetApps`.\n", encoding="utf-8")

    gather_changelog.main("0.2.0")

    assert [path.name for path in fragments.iterdir()] == ["README.md"]


def test_gathering_refuses_a_kind_it_does_not_know(fragments: Path) -> None:
    (fragments / "a.improved.md").write_text("Improved `GetApps`.\n", encoding="utf-8")

    with pytest.raises(ValueError, match=r"a\.improved\.md: the name must be"):
        gather_changelog.main(None)


def test_set_up_tells_an_old_python_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 2))

    with pytest.raises(SystemExit, match=r"Repoint needs Python 3\.11 or later; .* make setup PYTHON="):
        set_up.main(tmp_path / "venv")


def test_set_up_finds_no_pip_in_a_folder_that_is_no_environment(tmp_path: Path) -> None:
    assert set_up.find_pip(tmp_path) is None


def test_set_up_installs_from_outside_into_an_environment_without_pip(tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    assert set_up.with_pip_outside(folder)

    pip = set_up.find_pip(folder)

    assert pip == [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]


def test_set_up_tries_the_next_way_when_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_up, "with_venv", lambda _: False)
    monkeypatch.setattr(set_up, "with_virtualenv", lambda _: False)

    pip = set_up.make_environment(tmp_path / "venv")

    assert pip[:3] == [sys.executable, "-m", "pip"]


def test_set_up_installs_a_lock_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(set_up, "run", lambda *command: ran.append(command))

    set_up.install_locked(["pip", "install"], tmp_path)
    set_up.install_locked(["pip", "install"], tmp_path)

    assert [command[-3:-1] for command in ran] == [("--require-hashes", "--requirement")]


def test_set_up_tells_what_to_install_when_no_way_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for way in ("with_venv", "with_virtualenv", "with_pip_outside", "with_apt"):
        monkeypatch.setattr(set_up, way, lambda _: False)

    with pytest.raises(SystemExit, match="apt-get install python3-venv"):
        set_up.make_environment(tmp_path / "venv")

    assert not (tmp_path / "venv").exists()


def test_set_up_installs_nothing_for_who_is_not_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(set_up, "succeeds", lambda *command: pytest.fail(f"ran {command}"))

    assert set_up.with_apt(tmp_path / "venv") is False


def test_what_ci_runs_is_a_program() -> None:
    program = set_up.ROOT / ".ci" / "run"

    check = subprocess.run(["bash", "-n", program], capture_output=True, text=True, check=False)

    assert (check.returncode, check.stderr) == (0, "")
    assert os.access(program, os.X_OK)
