import json

from tests.fixtures.processes import Serve, repoint


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
