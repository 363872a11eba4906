import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from repoint.access.seal import MasterKeyError, Seal, load_seal
from repoint.settings import Settings

KEY = bytes(range(32))


def test_sealed_secret_opens_for_its_place() -> None:
    sealed = Seal(KEY).close("secret", "AKIA1")

    assert Seal(KEY).open(sealed, "AKIA1") == "secret"
    assert b"secret" not in sealed


def test_sealing_twice_gives_other_bytes() -> None:
    assert Seal(KEY).close("secret", "a") != Seal(KEY).close("secret", "a")


def test_sealed_secret_opens_for_no_other_place() -> None:
    sealed = Seal(KEY).close("secret", "AKIA1")

    with pytest.raises(MasterKeyError):
        Seal(KEY).open(sealed, "AKIA2")


def test_sealed_secret_opens_with_no_other_key() -> None:
    sealed = Seal(KEY).close("secret", "a")

    with pytest.raises(MasterKeyError, match="set REPOINT_MASTER_KEY"):
        Seal(bytes(32)).open(sealed, "a")


def test_changed_bytes_do_not_open() -> None:
    sealed = bytearray(Seal(KEY).close("secret", "a"))
    sealed[-1] ^= 1

    with pytest.raises(MasterKeyError):
        Seal(KEY).open(bytes(sealed), "a")


def test_first_start_makes_a_file_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    sealed = load_seal(Settings(data_dir=folder)).close("secret", "a")

    file = folder / "master.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["master.key"]
    assert Seal(bytes.fromhex(file.read_text().strip())).open(sealed, "a") == "secret"


def test_several_first_starts_agree_on_one_key(tmp_path: Path) -> None:
    # Other names of one folder, as several processes know nothing of each other.
    folders = [tmp_path.joinpath(*["data", ".."] * number, "data") for number in range(8)]

    with ThreadPoolExecutor(8) as threads:
        seals = list(threads.map(lambda folder: load_seal(Settings(data_dir=folder)), folders))

    sealed = seals[0].close("secret", "a")
    assert [seal.open(sealed, "a") for seal in seals] == ["secret"] * 8
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["master.key"]


def test_key_of_the_settings_goes_before_the_file(tmp_path: Path) -> None:
    sealed = load_seal(Settings(data_dir=tmp_path, master_key=SecretStr(KEY.hex()))).close("secret", "a")

    assert Seal(KEY).open(sealed, "a") == "secret"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "abc", "z" * 64, "ab" * 33])
def test_malformed_key_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(MasterKeyError, match="REPOINT_MASTER_KEY must hold 64 hex digits"):
        load_seal(Settings(data_dir=tmp_path, master_key=SecretStr(text)))


def test_malformed_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "master.key").write_text("oops")

    with pytest.raises(MasterKeyError, match=r"master\.key must hold 64 hex digits"):
        load_seal(Settings(data_dir=tmp_path))


def test_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")

    with pytest.raises(MasterKeyError, match="cannot be kept in"):
        load_seal(Settings(data_dir=tmp_path / "data"))
