from pathlib import Path

import pytest

from tests.fixtures.processes import repoint


def shown(printed: str) -> dict[str, tuple[str, str]]:
    """Setting → value and origin, from the lines of `repoint settings`."""
    rows = (line.split("\t") for line in printed.splitlines())
    return {name: (value, origin) for name, value, origin in rows}


def test_each_value_comes_with_its_origin(tmp_path: Path) -> None:
    (tmp_path / "repoint.toml").write_text('account_id = "111122223333"\nhost = "::1"\nport = 1\n')

    answer = repoint("settings", "--port", "3", env={"REPOINT_HOST": "::2", "REPOINT_PORT": "2"}, cwd=tmp_path)

    found = shown(answer.stdout)
    assert found["account_id"] == ("111122223333", "repoint.toml")
    assert found["host"] == ("::2", "environment")
    assert found["port"] == ("3", "argument")
    assert found["regions"] == ('["us-east-1"]', "default")


def test_a_group_shows_its_members(tmp_path: Path) -> None:
    (tmp_path / "repoint.toml").write_text('[s3]\nendpoint_url = "http://localhost:9000"\n')

    answer = repoint("settings", env={"REPOINT_S3__REGION": "eu-north-1"}, cwd=tmp_path)

    found = shown(answer.stdout)
    assert found["s3.endpoint_url"] == ("http://localhost:9000", "repoint.toml")
    assert found["s3.region"] == ("eu-north-1", "environment")


def test_secrets_are_masked(tmp_path: Path) -> None:
    secrets = {
        "REPOINT_DATABASE_URL": "postgresql://me:hidden-1@localhost/x",
        "REPOINT_MASTER_KEY": "hidden-2",
        "REPOINT_S3__CREDENTIALS": '{"access_key_id": "AK", "secret_access_key": "hidden-3"}',
    }

    answer = repoint("settings", env=secrets, cwd=tmp_path)

    found = shown(answer.stdout)
    assert found["database_url"] == ("**********", "environment")
    assert found["s3.credentials.secret_access_key"] == ("**********", "environment")
    assert "hidden" not in answer.stdout + answer.stderr


def test_functions_are_shown_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "repoint.toml").write_text('[functions]\nplain = "hooks.py:greet"\nfar.lambda = "far:live"\n')
    functions = '{"mine": {"file": "mine.py:greet", "env": {"TOKEN": "hidden"}}}'

    answer = repoint("settings", env={"REPOINT_FUNCTIONS": functions}, cwd=tmp_path)

    found = shown(answer.stdout)
    assert found["functions.plain.file"] == ("hooks.py:greet", "repoint.toml")
    assert found["functions.far.lambda"] == ("far:live", "repoint.toml")
    assert found["functions.mine.env.TOKEN"] == ("**********", "environment")
    assert "hidden" not in answer.stdout + answer.stderr


def test_a_bad_value_is_named(tmp_path: Path) -> None:
    answer = repoint("settings", env={"REPOINT_PORT": "eighty"}, cwd=tmp_path)

    assert answer.returncode == 1
    assert "port: Input should be a valid integer" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_setting_that_there_is_not_is_named(tmp_path: Path) -> None:
    (tmp_path / "repoint.toml").write_text("prot = 1\n")

    answer = repoint("settings", cwd=tmp_path)

    assert answer.returncode == 1
    assert "prot: Extra inputs are not permitted" in answer.stderr


def test_a_broken_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "repoint.toml").write_text("port = \n")

    answer = repoint("settings", cwd=tmp_path)

    assert answer.returncode == 1
    assert "repoint.toml is not valid TOML" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_variable_that_is_no_setting_is_named(tmp_path: Path) -> None:
    answer = repoint("settings", env={"REPOINT_PROT": "1", "REPOINT_S3__REGION": "eu-north-1"}, cwd=tmp_path)

    assert answer.returncode == 1
    assert "REPOINT_PROT: there is no such setting" in answer.stderr


@pytest.mark.parametrize("name", ["regions", "throttles"])
def test_a_plain_value_for_a_list_or_table_is_told(tmp_path: Path, name: str) -> None:
    answer = repoint("settings", env={f"REPOINT_{name.upper()}": "us-east-1"}, cwd=tmp_path)

    assert answer.returncode == 1
    assert name in answer.stderr
    assert "written as JSON" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_database_url_that_cannot_be_read_is_not_quoted(tmp_path: Path) -> None:
    answer = repoint("api", "--database-url", "postgresql//u:hidden-1@h/db", cwd=tmp_path)

    assert answer.returncode == 1
    assert "database_url: Value error, not of the form postgresql://" in answer.stderr
    assert "hidden" not in answer.stdout + answer.stderr


def test_providers_show_their_options_but_no_passwords(tmp_path: Path) -> None:
    (tmp_path / "repoint.toml").write_text(
        '[providers.relay]\nkind = "email_smtp"\nhost = "mail.example"\nuser = "shop"\n'
        '[channel_providers]\nEMAIL = ["relay"]\n'
    )

    answer = repoint("settings", env={"REPOINT_PROVIDERS__RELAY__PASSWORD": "hidden-1"}, cwd=tmp_path)

    found = shown(answer.stdout)
    assert found["providers.relay.host"] == ("mail.example", "repoint.toml")
    assert found["providers.relay.password"] == ("**********", "environment")
    assert found["providers.relay.connections"] == ("16", "default")
    assert found["channel_providers.EMAIL"] == ('["relay"]', "repoint.toml")
    assert "hidden" not in answer.stdout + answer.stderr


def test_mistakes_about_providers_are_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "repoint.toml").write_text('[providers.relay]\nkind = "email_smtp"\npassword = "hidden-1"\n')

    answer = repoint("worker", "--database-url", "postgresql://localhost/x", cwd=tmp_path)

    assert answer.returncode == 1
    assert "providers.relay.host: Field required" in answer.stderr
    assert "hidden" not in answer.stdout + answer.stderr
