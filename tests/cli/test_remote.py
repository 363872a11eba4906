from tests.fixtures.processes import repoint

KEY = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


def test_no_endpoint_is_told() -> None:
    answer = repoint("keys", "list", env=KEY)

    assert answer.returncode == 1
    assert "set AWS_ENDPOINT_URL_PINPOINT to what `repoint serve` prints" in answer.stderr


def test_no_key_is_told() -> None:
    answer = repoint("keys", "list", "--endpoint-url", "http://127.0.0.1:1")

    assert answer.returncode == 1
    assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in answer.stderr


def test_a_server_that_does_not_answer_is_told() -> None:
    answer = repoint("keys", "list", "--endpoint-url", "http://127.0.0.1:1", env=KEY)

    assert answer.returncode == 1
    assert "http://127.0.0.1:1 does not answer" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_url_that_is_none_is_told() -> None:
    answer = repoint("keys", "list", "--endpoint-url", "nonsense", env=KEY)

    assert answer.returncode == 1
    assert "the endpoint URL nonsense must begin with http:// or https://" in answer.stderr
