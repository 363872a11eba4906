"""The API as a process of its own: how it starts, stops, and says why it does not start."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from repoint.access.seal import MasterKeyError
from repoint.http.serve import ServeError, run_api
from repoint.settings import Settings
from repoint.tables import Throttle
from tests.fixtures.server import Raw, Server

# What `repoint api` does with the socket it is given.
PROGRAM = """
import socket, sys
from repoint.http.serve import run_api
from repoint.settings import Settings
run_api(Settings(), socket.socket(fileno=int(sys.argv[1])))
"""


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A certificate for localhost and its key, as settings."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "chain.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    unlocked = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unlocked)
    )
    return {"tls_certificate": folder / "chain.pem", "tls_key": folder / "key.pem"}


@contextmanager
def process(settings: Settings, **more: object) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """An API process on a free port, with these settings in its environment."""
    assert settings.database_url is not None
    given = {"data_dir": settings.data_dir, "database_url": settings.database_url.get_secret_value()} | more
    environment = {f"REPOINT_{name.upper()}": str(value) for name, value in given.items()}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arguments = [sys.executable, "-c", PROGRAM, str(listener.fileno())]
        child = subprocess.Popen(
            arguments,
            pass_fds=[listener.fileno()],
            env=os.environ | environment,
            cwd=settings.data_dir.parent,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield child, listener.getsockname()[1]
        finally:
            child.kill()
            child.communicate()


def free_listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_answers_until_it_is_told_to_stop(settings: Settings, number: signal.Signals) -> None:
    with process(settings) as (child, port):
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = answer.read()

        child.send_signal(number)
        _, log = child.communicate(timeout=60)
        connection.close()

    assert (answer.status, said) == (200, b'{"status":"ready"}')
    assert child.returncode == 0
    assert log == ""


def test_refused_call_is_one_line_of_json_with_its_request_id(settings: Settings) -> None:
    with process(settings) as (child, port):
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("PUT", "/v1/apps/0123/endpoints/ana%40example.com", b'{"Address":"ana@example.com"}')
        answer = connection.getresponse()
        answer.read()
        connection.close()

        child.terminate()
        _, log = child.communicate(timeout=60)

    line = json.loads(log)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "Refused a call",
        "level": "info",
        "operation": "UpdateEndpoint",
        "status": 403,
        "error": "MissingAuthenticationTokenException",
        "request_id": answer.headers["x-amzn-RequestId"],
    }


def test_tls_is_spoken_from_1_2_on(settings: Settings, certificate: dict[str, Path]) -> None:
    trusting = ssl.create_default_context(cafile=certificate["tls_certificate"])
    oldest = ssl.create_default_context(cafile=certificate["tls_certificate"])
    oldest.maximum_version = ssl.TLSVersion.TLSv1_2
    oldest.set_ciphers("ECDHE+AESGCM")
    static = ssl.create_default_context(cafile=certificate["tls_certificate"])
    static.maximum_version = ssl.TLSVersion.TLSv1_2
    static.set_ciphers("AES128-GCM-SHA256")

    with process(settings, **certificate) as (_, port):
        for context in (trusting, oldest):
            connection = HTTPSConnection("localhost", port, timeout=60, context=context)
            connection.request("GET", "/healthz")
            assert connection.getresponse().read() == b'{"status":"alive"}'
            connection.close()
        refused = HTTPSConnection("localhost", port, timeout=60, context=static)
        with pytest.raises(ssl.SSLError):
            refused.request("GET", "/healthz")
        refused.close()


def test_certificate_that_cannot_be_read_is_told(settings: Settings, tmp_path: Path) -> None:
    broken = settings.model_copy(update={"tls_certificate": tmp_path / "none.pem"})

    with free_listener() as listener, pytest.raises(ServeError, match=r"the certificate .*none\.pem or its key cannot"):
        run_api(broken, listener)


def test_key_without_certificate_is_told(settings: Settings, tmp_path: Path) -> None:
    broken = settings.model_copy(update={"tls_key": tmp_path / "key.pem"})

    with free_listener() as listener, pytest.raises(ServeError, match="tls_key is set without tls_certificate"):
        run_api(broken, listener)


def test_throttle_on_an_unknown_operation_is_told(settings: Settings) -> None:
    broken = settings.model_copy(update={"throttles": {"GetAp": Throttle(rate=1)}})

    with free_listener() as listener, pytest.raises(ServeError, match="there are not: GetAp"):
        run_api(broken, listener)


def test_missing_database_is_told(settings: Settings) -> None:
    broken = settings.model_copy(update={"database_url": None})

    with free_listener() as listener, pytest.raises(ServeError, match="database_url is not set"):
        run_api(broken, listener)


def test_other_master_key_is_told_at_start(settings: Settings, server: Server) -> None:
    assert Raw(server).send("GET", "/v1/apps").status == 200
    other = settings.model_copy(update={"master_key": SecretStr("ab" * 32)})

    with free_listener() as listener, pytest.raises(MasterKeyError, match="not the one that the database's secrets"):
        run_api(other, listener)
