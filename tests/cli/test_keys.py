import json
from pathlib import Path

import pytest

from tests.fixtures.processes import Serve, repoint

READ = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "mobiletargeting:Get*", "Resource": "*"}}


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(READ), encoding="utf-8")
    return file


def test_a_key_made_through_the_api_works(running: Serve) -> None:
    answer = running.repoint("keys", "create", "deploy", "--json")

    key = json.loads(answer.stdout)
    assert key["Name"] == "deploy"
    assert key["Status"] == "ACTIVE"
    env = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    assert repoint("keys", "list", env=running.exports | env).returncode == 0


def test_a_key_is_printed_as_lines_to_paste(running: Serve) -> None:
    answer = running.repoint("keys", "create", "paste")

    names = [line.split("=")[0] for line in answer.stdout.split("\n") if line]
    assert names == [
        "export AWS_ENDPOINT_URL_PINPOINT",
        "export AWS_ACCESS_KEY_ID",
        "export AWS_SECRET_ACCESS_KEY",
        "export AWS_DEFAULT_REGION",
    ]


def test_local_makes_a_key_beside_a_running_server(running: Serve) -> None:
    answer = repoint("keys", "create", "beside", "--local", "--data-dir", running.folder, "--json")

    key = json.loads(answer.stdout)
    env = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    assert "beside" in repoint("keys", "list", env=running.exports | env).stdout


def test_local_makes_a_key_without_a_server(stopped: Serve) -> None:
    stopped.start()
    stopped.stop()

    answer = repoint("keys", "create", "alone", "--local", "--data-dir", stopped.folder, "--json")

    key = json.loads(answer.stdout)
    stopped.start()
    env = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    assert "alone" in repoint("keys", "list", env=stopped.exports | env).stdout


def test_local_says_when_there_is_no_database(stopped: Serve) -> None:
    answer = repoint("keys", "create", "none", "--local", "--data-dir", stopped.folder)

    assert answer.returncode == 1
    assert f"there is no database in {stopped.folder}" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_revoked_key_is_refused_and_listed(running: Serve) -> None:
    key = json.loads(running.repoint("keys", "create", "leaver", "--json").stdout)

    answer = running.repoint("keys", "revoke", key["AccessKeyId"])

    assert answer.returncode == 0
    listed = [line.split("\t") for line in running.repoint("keys", "list").stdout.splitlines()]
    assert [row[1:3] for row in listed if row[0] == key["AccessKeyId"]] == [["leaver", "REVOKED"]]
    env = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    refused = repoint("keys", "list", env=running.exports | env)
    assert refused.returncode == 1
    assert "UnrecognizedClientException: The security token included in the request is invalid." in refused.stderr


def test_a_bad_name_is_refused_with_the_servers_words(running: Serve) -> None:
    answer = running.repoint("keys", "create", "no spaces")

    assert answer.returncode == 1
    assert "BadRequestException: Name must be 1 to 64 letters" in answer.stderr


def test_an_unknown_key_is_told(running: Serve) -> None:
    answer = running.repoint("keys", "revoke", "AKIANOBODY")

    assert answer.returncode == 1
    assert "NotFoundException" in answer.stderr


def test_secrets_are_not_listed(running: Serve) -> None:
    answer = running.repoint("keys", "list")

    assert answer.returncode == 0
    assert running.exports["AWS_ACCESS_KEY_ID"] in answer.stdout
    assert running.exports["AWS_SECRET_ACCESS_KEY"] not in answer.stdout


def environment(running: Serve, key: dict[str, str]) -> dict[str, str]:
    """What a program needs to use the server with this key."""
    return running.exports | {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def test_a_key_is_made_with_a_policy_and_tags(running: Serve, policy_file: Path) -> None:
    key = json.loads(
        running.repoint("keys", "create", "read", "--policy", policy_file, "--tag", "team=a=b", "--json").stdout
    )

    shown = running.repoint("keys", "policy", "show", key["AccessKeyId"])

    assert json.loads(shown.stdout) == READ
    refused = repoint("keys", "list", env=environment(running, key))
    assert refused.returncode == 1
    assert "AccessDeniedException: User: arn:aws:iam::000000000000:user/read is not authorized" in refused.stderr


def test_a_policy_is_set_listed_and_removed(running: Serve, policy_file: Path) -> None:
    key = json.loads(running.repoint("keys", "create", "changing", "--json").stdout)
    key_id = key["AccessKeyId"]

    def rights() -> str:
        listed = running.repoint("keys", "list").stdout.splitlines()
        return next(line.split("\t")[4] for line in listed if line.startswith(key_id))

    before = rights()
    was_set = running.repoint("keys", "policy", "set", key_id, policy_file)
    between = rights()
    removed = running.repoint("keys", "policy", "remove", key_id)

    assert (before, between, rights()) == ("everything", "policy", "everything")
    assert was_set.stdout == f"{key_id} (changing) may do what {policy_file} allows.\n"
    assert removed.stdout == f"{key_id} (changing) may do everything.\n"
    shown = running.repoint("keys", "policy", "show", key_id)
    assert (shown.returncode, shown.stdout) == (0, "")
    assert f"{key_id} (changing) has no policy: it may do everything." in shown.stderr


def test_a_policy_is_read_from_standard_input(running: Serve) -> None:
    key_id = json.loads(running.repoint("keys", "create", "piped", "--json").stdout)["AccessKeyId"]

    answer = running.repoint("keys", "policy", "set", key_id, "-", input=json.dumps(READ))

    assert answer.returncode == 0
    assert json.loads(running.repoint("keys", "policy", "show", key_id).stdout) == READ


def test_a_bad_policy_is_refused_with_its_place(running: Serve, tmp_path: Path) -> None:
    key_id = json.loads(running.repoint("keys", "create", "wrong", "--json").stdout)["AccessKeyId"]
    file = tmp_path / "bad.json"
    file.write_text(json.dumps({"Statement": [READ["Statement"], {"Effect": "Perhaps"}]}), encoding="utf-8")

    answer = running.repoint("keys", "policy", "set", key_id, file)

    assert answer.returncode == 1
    assert "BadRequestException: Statement[1].Effect must be Allow or Deny" in answer.stderr


def test_what_has_no_effect_is_told(running: Serve, tmp_path: Path) -> None:
    key_id = json.loads(running.repoint("keys", "create", "typo", "--json").stdout)["AccessKeyId"]
    file = tmp_path / "typo.json"
    statement = {"Effect": "Allow", "Action": "mobiletargeting:GetApplication", "Resource": "*"}
    file.write_text(json.dumps({"Statement": statement}), encoding="utf-8")

    answer = running.repoint("keys", "policy", "set", key_id, file)

    assert answer.returncode == 0
    assert "Warning: Statement[0]: there is no action mobiletargeting:getapplication" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("keys", "policy", "set", "AKIA", "none.json"), "none.json cannot be read"),
        (("keys", "policy", "show", "AKIANOBODY"), "NotFoundException"),
        (("keys", "create", "x", "--tag", "team"), "--tag team: a tag is NAME=VALUE"),
        (("keys", "create", "x", "--policy", "none.json"), "none.json cannot be read"),
    ],
)
def test_mistakes_with_policies_are_told(running: Serve, arguments: tuple[str, ...], told: str) -> None:
    answer = running.repoint(*arguments)

    assert answer.returncode == 1
    assert told in answer.stderr
    assert "Traceback" not in answer.stderr


def test_local_makes_a_key_with_a_policy(running: Serve, policy_file: Path) -> None:
    arguments = ("--local", "--data-dir", running.folder, "--policy", policy_file, "--json")

    key = json.loads(repoint("keys", "create", "beside-read", *arguments).stdout)

    assert key["HasPolicy"] is True
    assert json.loads(running.repoint("keys", "policy", "show", key["AccessKeyId"]).stdout) == READ
