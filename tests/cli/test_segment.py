import json
from pathlib import Path

import pytest

from tests.fixtures.processes import Serve

FANS = {"Dimensions": {"Attributes": {"Interests": {"Values": ["music"]}}}}


@pytest.fixture
def filled(running: Serve, fresh_app: str) -> str:
    """An application with three endpoints, two of which like music."""
    items = [
        {"Id": name, "ChannelType": "EMAIL", "Address": f"{name}@example.com", "Attributes": {"Interests": [interest]}}
        for name, interest in (("Ann", "music"), ("bob", "Music"), ("cid", "music"))
    ]
    items[2]["OptOut"] = "ALL"
    running.client().update_endpoints_batch(ApplicationId=fresh_app, EndpointBatchRequest={"Item": items})
    return fresh_app


@pytest.fixture
def fans(running: Serve, filled: str, tmp_path: Path) -> str:
    """A segment made by the command."""
    definition = tmp_path / "fans.json"
    definition.write_text(json.dumps(FANS), encoding="utf-8")
    answer = running.repoint("segment", "create", "Fans", "--app", filled, "--definition", definition)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def test_create_prints_the_new_segments_id(running: Serve, filled: str, fans: str) -> None:
    segment = running.client().get_segment(ApplicationId=filled, SegmentId=fans)["SegmentResponse"]

    assert (segment["Name"], segment["Dimensions"]) == ("Fans", FANS["Dimensions"])


def test_a_segment_without_a_definition_is_everybody(running: Serve, filled: str) -> None:
    segment = running.repoint("segment", "create", "All", "--app", filled).stdout.strip()

    assert running.repoint("segment", "count", "--app", filled, "--segment", segment).stdout == "3\t2\n"


def test_count(running: Serve, filled: str, fans: str) -> None:
    table = running.repoint("segment", "count", "--app", filled, "--segment", fans)
    document = running.repoint("segment", "count", "--app", filled, "--segment", fans, "--json")

    assert table.stdout == "2\t1\n"
    assert json.loads(document.stdout) == {
        "ApplicationId": filled, "SegmentId": fans, "Version": 1, "Members": 2, "Eligible": 1,
    }  # fmt: skip


def test_members(running: Serve, filled: str, fans: str) -> None:
    everybody = running.repoint("segment", "members", "--app", filled, "--segment", fans)
    eligible = running.repoint("segment", "members", "--app", filled, "--segment", fans, "--eligible")

    assert everybody.stdout.splitlines() == ["Ann", "cid"]
    assert eligible.stdout.splitlines() == ["Ann"]


def test_why_says_it_criterion_by_criterion(running: Serve, filled: str, fans: str) -> None:
    ann = running.repoint("why", "--app", filled, "--segment", fans, "--endpoint", "ann")
    bob = running.repoint("segment", "why", "--app", filled, "--segment", fans, "--endpoint", "bob")

    named = f"segment Fans ({fans}, version 1)"
    assert ann.stdout.splitlines() == [
        f"Ann is a member of {named}",
        "It would be sent to: it is active, not opted out, and has an address and a channel",
        "",
        f"yes {named}, ALL of its groups",
        "    yes group 1",
        "        matches ALL of the dimensions",
        "            yes dimension 1",
        '                yes Attributes.Interests: Values ["music"], AttributeType INCLUSIVE; stored is ["music"]',
    ]
    assert bob.stdout.splitlines()[0] == f"bob is not a member of {named}"
    assert bob.stdout.splitlines()[-1].endswith('stored is ["Music"]')
    assert bob.stdout.splitlines()[-1].strip().startswith("no ")


def test_why_as_json(running: Serve, filled: str, fans: str) -> None:
    answer = running.repoint("why", "--app", filled, "--segment", fans, "--endpoint", "cid", "--json")

    verdict = json.loads(answer.stdout)
    assert (verdict["EndpointId"], verdict["IsMember"], verdict["IsEligible"]) == ("cid", True, False)


def test_a_version_can_be_asked(running: Serve, filled: str, fans: str) -> None:
    running.client().update_segment(
        ApplicationId=filled, SegmentId=fans, WriteSegmentRequest={"SegmentGroups": {"Groups": []}}
    )

    counts = [
        running.repoint("segment", "count", "--app", filled, "--segment", fans, *version).stdout
        for version in ([], ["--version", "1"])
    ]

    assert counts == ["3\t2\n", "2\t1\n"]


def test_mistakes_are_told(running: Serve, filled: str, fans: str, tmp_path: Path) -> None:
    broken, listed = tmp_path / "broken.json", tmp_path / "list.json"
    broken.write_text("{", encoding="utf-8")
    listed.write_text("[]", encoding="utf-8")
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"Dimensions": {"Metrics": {"m": {"ComparisonOperator": "IS", "Value": 1}}}}', encoding="utf-8")

    def told(*words: str | Path) -> str:
        answer = running.repoint(*words)
        assert answer.returncode == 1
        assert "Traceback" not in answer.stderr
        return answer.stderr

    create = ("segment", "create", "x", "--app", filled, "--definition")
    assert "none.json cannot be read" in told(*create, tmp_path / "none.json")
    assert "broken.json is no JSON" in told(*create, broken)
    assert "must hold an object" in told(*create, listed)
    assert "Invalid ComparisonOperator: IS" in told(*create, wrong)
    assert "Resource not found" in told("segment", "count", "--app", filled, "--segment", "0" * 32)
    assert "Endpoint not found" in told("why", "--app", filled, "--segment", fans, "--endpoint", "nobody")
