import signal
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.fixtures.processes import Serve, processes, repoint, wait_until


def assert_refused(answer: subprocess.CompletedProcess[str], reason: str) -> None:
    """The command ended with a message that holds `reason`, and nothing else."""
    assert answer.returncode == 1
    assert answer.stderr.startswith("Error: ")
    assert reason in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_stops_everything_in_order(stopped: Serve, number: signal.Signals) -> None:
    stopped.start()

    code = stopped.stop(number)

    assert code == 0
    assert not left_over(stopped)
    assert stopped.log.read_text() == ""


def test_nothing_outlives_a_killed_serve(stopped: Serve) -> None:
    stopped.start()
    assert stopped.process is not None
    children = {pid for pid, parent, _ in processes() if parent == stopped.process.pid}

    stopped.stop(signal.SIGKILL)

    assert len(children) >= 3
    wait_until(lambda: not children & {pid for pid, _, _ in processes()})
    assert not left_over(stopped)


def test_a_folder_serves_again_after_a_kill(stopped: Serve) -> None:
    stopped.start()
    client = stopped.client()
    made = client.create_app(CreateApplicationRequest={"Name": "kept"})["ApplicationResponse"]
    stopped.stop(signal.SIGKILL)

    stopped.start()

    assert stopped.client().get_app(ApplicationId=made["Id"])["ApplicationResponse"] == made


def test_the_first_start_makes_a_key_and_later_ones_say_how(stopped: Serve) -> None:
    stopped.start()
    first = stopped.printed
    assert stopped.client().get_apps()["ApplicationsResponse"] == {"Item": []}
    stopped.stop()

    stopped.start()

    assert set(stopped.exports) == {
        "AWS_ENDPOINT_URL_PINPOINT",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
    }
    assert "AWS_SECRET_ACCESS_KEY" in first
    assert "AWS_SECRET_ACCESS_KEY" not in stopped.printed
    assert "repoint keys create --local" in stopped.printed
    # The key of the first start goes on to work.
    assert stopped.client().get_apps()["ApplicationsResponse"] == {"Item": []}


def test_account_and_regions_are_printed(stopped: Serve) -> None:
    stopped.start(env={"REPOINT_ACCOUNT_ID": "111122223333", "REPOINT_REGIONS": '["eu-west-1", "us-east-1"]'})

    assert "account_id 111122223333, regions eu-west-1, us-east-1" in stopped.printed
    assert stopped.exports["AWS_DEFAULT_REGION"] == "eu-west-1"


def test_a_second_serve_on_one_folder_is_refused(running: Serve) -> None:
    assert running.process is not None

    answer = repoint("serve", "--data-dir", running.folder, "--port", "0")

    assert_refused(answer, f"another `repoint serve` (process {running.process.pid}) runs on {running.folder}")


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        answer = repoint("serve", "--data-dir", tmp_path / "data", "--port", f"{port}")

    assert_refused(answer, f"port {port} of 127.0.0.1 is taken by another program")


def test_an_address_of_another_machine_is_told(tmp_path: Path) -> None:
    answer = repoint("serve", "--data-dir", tmp_path / "data", "--port", "0", "--host", "192.0.2.1")

    assert_refused(answer, "192.0.2.1")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    # A file in its place stops root as well, whom no permission stops.
    (tmp_path / "file").touch()

    answer = repoint("serve", "--data-dir", tmp_path / "file" / "data", "--port", "0")

    assert_refused(answer, f"the data folder {tmp_path / 'file' / 'data'} cannot be written")


def test_a_database_that_does_not_answer_is_told(tmp_path: Path) -> None:
    url = f"postgresql://nobody@/x?host={tmp_path}"

    answer = repoint("serve", "--data-dir", tmp_path / "data", "--port", "0", "--database-url", url)

    assert_refused(answer, "the database does not answer")


def test_a_certificate_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    settings = {"REPOINT_TLS_CERTIFICATE": f"{tmp_path / 'none.pem'}"}

    answer = repoint("serve", "--data-dir", tmp_path / "data", "--port", "0", env=settings)

    assert answer.returncode == 1
    assert f"Error: the certificate {tmp_path / 'none.pem'} or its key cannot be used" in answer.stderr
    assert "Error: the API process ended with exit code 1 while starting" in answer.stderr
    assert "Traceback" not in answer.stderr


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "repoint test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    unsealed = serialization.NoEncryption()
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, unsealed))
    return folder / "certificate.pem", folder / "key.pem"


def test_serve_speaks_tls(stopped: Serve, tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)

    stopped.start(env={"REPOINT_TLS_CERTIFICATE": f"{certificate}", "REPOINT_TLS_KEY": f"{key}"})

    assert stopped.exports["AWS_ENDPOINT_URL_PINPOINT"].startswith("https://127.0.0.1:")
    answer = repoint("keys", "list", env=stopped.exports | {"AWS_CA_BUNDLE": f"{certificate}"})
    assert answer.returncode == 0, answer.stderr


def test_serve_runs_on_a_server_of_the_user(stopped: Serve, database_url: str) -> None:
    stopped.start("--database-url", database_url)

    assert stopped.client().get_apps()["ApplicationsResponse"] == {"Item": []}
    assert not (stopped.folder / "postgres").exists()
    assert stopped.stop() == 0


def left_over(running: Serve) -> list[str]:
    """Command lines of processes that still run on the folder."""
    return [
        command for _, _, command in processes() if f"{running.folder}/" in command or f"{running.folder} " in command
    ]
