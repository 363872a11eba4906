"""Files through the API, on both stores."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from repoint.db.pool import Database
from repoint.files import operations
from repoint.files.clearing import clear_folder, clear_uploads
from repoint.queue import TaskContext
from repoint.settings import Settings
from tests.fixtures.s3 import S3Server
from tests.fixtures.server import Raw, Response, Serve, Server

PART_BYTES = 4 * 1024 * 1024


class Api(NamedTuple):
    """A running API, and a bucket of its store."""

    raw: Raw
    server: Server
    bucket: str

    def send(self, method: str, path: str, body: bytes | dict[str, Any] = b"") -> Response:
        """Ask below the bucket's path."""
        return self.raw.send(method, f"/repoint/v1/files/{self.bucket}{path}", body)

    def begin(self, key: str) -> str:
        """Begin an upload; its id."""
        begun = self.send("POST", "/uploads", {"Key": key})
        assert begun.status == 201
        assert begun.json["PartSize"] == PART_BYTES
        upload_id: str = begun.json["UploadId"]
        return upload_id

    def part(self, upload_id: str, number: int | str, body: bytes) -> Response:
        """Send a part."""
        return self.send("PUT", f"/uploads/{upload_id}/parts/{number}", body)

    def complete(self, upload_id: str, parts: object) -> Response:
        """Ask for the parts to become one object."""
        return self.send("POST", f"/uploads/{upload_id}", {"Parts": parts})

    def put(self, key: str, *parts: bytes) -> Response:
        """Upload an object whole."""
        upload_id = self.begin(key)
        for number, body in enumerate(parts, 1):
            assert self.part(upload_id, number, body).status == 200
        return self.complete(upload_id, len(parts))

    def get(self, key: str, query: str = "") -> Response:
        """Download."""
        return self.send("GET", f"/objects/{quote(key, safe='')}{query}")

    def keys(self, prefix: str = "") -> list[str]:
        """What a listing shows."""
        listed = self.send("GET", f"?prefix={quote(prefix, safe='')}")
        assert listed.status == 200
        return [item["Key"] for item in listed.json["Item"]]


@pytest.fixture
def folder_api(serve: Serve) -> Api:
    """An API on the folder."""
    server = serve()
    return Api(Raw(server), server, "bucket")


@pytest.fixture(params=["folder", "s3"])
def api(request: pytest.FixtureRequest, serve: Serve) -> Api:
    """An API on each store."""
    if request.param == "folder":
        api: Api = request.getfixturevalue("folder_api")
        return api
    s3: S3Server = request.getfixturevalue("s3")
    server = serve(s3=s3.s3)
    return Api(Raw(server), server, s3.bucket)


def test_an_upload_of_parts_is_one_object(api: Api) -> None:
    completed = api.put("in/people.csv", b"a" * PART_BYTES, b"b" * PART_BYTES, b"c")

    assert completed.status == 200
    assert (completed.json["Key"], completed.json["Size"]) == ("in/people.csv", 2 * PART_BYTES + 1)
    assert api.keys() == ["in/people.csv"]
    downloaded = api.get("in/people.csv")
    assert downloaded.headers["content-type"] == "application/octet-stream"
    assert downloaded.headers["content-length"] == str(2 * PART_BYTES + 1)
    assert downloaded.body == b"a" * PART_BYTES + b"b" * PART_BYTES + b"c"


def test_nothing_appears_before_the_end(api: Api) -> None:
    upload_id = api.begin("people.csv")
    api.part(upload_id, 1, b"x")

    assert api.keys() == []
    assert api.get("people.csv").status == 404

    assert api.complete(upload_id, 1).status == 200
    assert api.keys() == ["people.csv"]
    assert api.keys(".repoint/") == []


def test_every_request_of_an_upload_may_be_sent_again(api: Api) -> None:
    upload_id = api.begin("people.csv")
    api.part(upload_id, 2, b"two")
    api.part(upload_id, 1, b"wrong")
    api.part(upload_id, 1, b"one")

    first = api.complete(upload_id, 2)
    second = api.complete(upload_id, 2)

    assert first.status == second.status == 200
    assert first.json == second.json
    assert api.get("people.csv").body == b"onetwo"


def test_a_file_without_bytes_has_no_parts(api: Api) -> None:
    api.begin("something/else")

    assert api.put("empty").json["Size"] == 0
    assert api.get("empty").body == b""


def test_a_missing_part_is_named(api: Api) -> None:
    upload_id = api.begin("people.csv")
    api.part(upload_id, 1, b"x")
    api.part(upload_id, 3, b"x")

    refused = api.complete(upload_id, 3)

    assert (refused.status, refused.json["Message"]) == (400, "Part 2 of 3 is missing")
    assert api.keys() == []


def test_a_part_that_is_not_counted_is_told(api: Api) -> None:
    upload_id = api.begin("people.csv")
    api.part(upload_id, 1, b"x")
    api.part(upload_id, 2, b"x")

    refused = api.complete(upload_id, 1)

    assert (refused.status, refused.json["Message"]) == (400, "Invalid Parts: 1, but 2 were sent")


def test_an_aborted_upload_is_gone(api: Api) -> None:
    upload_id = api.begin("people.csv")
    api.part(upload_id, 1, b"x")

    assert api.send("DELETE", f"/uploads/{upload_id}").status == 204

    assert api.keys(".repoint/") == []
    assert api.part(upload_id, 2, b"x").status == 404
    assert api.complete(upload_id, 1).status == 404
    assert api.send("DELETE", f"/uploads/{upload_id}").status == 404


def test_an_upload_that_got_no_part_can_be_aborted(api: Api) -> None:
    assert api.send("DELETE", f"/uploads/{api.begin('people.csv')}").status == 204


def test_a_complete_upload_takes_no_more_parts(api: Api) -> None:
    upload_id = api.begin("people.csv")
    api.part(upload_id, 1, b"x")
    api.complete(upload_id, 1)

    refused = api.part(upload_id, 2, b"x")

    assert (refused.status, refused.json["Message"]) == (409, "The upload is complete")
    assert api.send("DELETE", f"/uploads/{upload_id}").status == 204
    assert api.keys() == ["people.csv"]


def test_an_upload_belongs_to_its_bucket(api: Api) -> None:
    upload_id = api.begin("people.csv")

    elsewhere = api.raw.send("PUT", f"/repoint/v1/files/another/uploads/{upload_id}/parts/1", b"x")

    assert elsewhere.status == 404


def test_a_part_has_a_number_within_limits(folder_api: Api) -> None:
    upload_id = folder_api.begin("people.csv")

    for number in ("0", "10001", "-1", "x", "1.0", "%C2%B2", "9" * 30):
        refused = folder_api.part(upload_id, number, b"x")
        assert (refused.status, refused.json["Message"]) == (400, "Invalid PartNumber: must be between 1 and 10000")


def test_the_count_of_parts_is_a_number_within_limits(folder_api: Api) -> None:
    upload_id = folder_api.begin("people.csv")

    for parts in ("x", -1, 10001, 1.0, True, [1]):
        refused = folder_api.complete(upload_id, parts)
        assert (refused.status, refused.json["Message"]) == (400, "Invalid Parts: must be between 0 and 10000")
    assert folder_api.complete(upload_id, None).json["Message"] == "Missing Parts"


def test_a_part_is_at_most_4_mb(folder_api: Api) -> None:
    assert folder_api.part(folder_api.begin("people.csv"), 1, b"x" * (PART_BYTES + 1)).status == 413


BAD_KEYS: list[tuple[dict[str, Any], str]] = [
    ({}, "Missing Key"),
    ({"Key": 1}, "Invalid Key: must be a string"),
    ({"Key": ""}, "InvalidArgument: the key is empty"),
    ({"Key": ".repoint/x"}, "Invalid Key: .repoint/x (.repoint/ is Repoint's own)"),
    ({"Key": "k" * 1025}, f"KeyTooLongError: the key '{'k' * 100}'… is longer than 1024 bytes"),
]


def test_a_bad_key_is_named(api: Api) -> None:
    for body, message in BAD_KEYS:
        refused = api.send("POST", "/uploads", body)
        assert (refused.status, refused.json["Message"]) == (400, message)


def test_a_key_that_leads_out_of_the_folder_is_refused(folder_api: Api) -> None:
    refused = folder_api.send("POST", "/uploads", {"Key": "../x"})

    assert refused.status == 400
    assert refused.json["Message"] == "InvalidArgument: the key '../x' has a segment '..'"
    assert folder_api.get("../x").status == 400
    assert folder_api.send("GET", "?prefix=..%2F").status == 400


def test_a_bad_bucket_is_named(api: Api) -> None:
    for bucket in ("ab", "a%2Fb", "..", "%2E%2E", "b%3Ac"):
        for method, path, body in (("GET", "", b""), ("GET", "/objects/x", b""), ("POST", "/uploads", b'{"Key": "x"}')):
            refused = api.raw.send(method, f"/repoint/v1/files/{bucket}{path}", body)
            assert refused.status == 400
            assert refused.json["Message"].startswith("InvalidBucketName: ")


def test_the_first_part_makes_a_bucket_of_the_folder(folder_api: Api) -> None:
    assert folder_api.send("GET", "").status == 404

    assert folder_api.put("people.csv", b"x").status == 200

    assert (folder_api.server.settings.files_dir / "bucket" / "people.csv").read_bytes() == b"x"


def test_a_bucket_of_s3_must_be_there(s3: S3Server, serve: Serve) -> None:
    server = serve(s3=s3.s3)
    api = Api(Raw(server), server, "no-such-bucket")

    refused = api.part(api.begin("people.csv"), 1, b"x")

    assert refused.status == 404
    assert "no-such-bucket" in refused.json["Message"]
    assert api.send("GET", "").status == 404


def test_an_s3_that_does_not_answer_is_told(serve: Serve, s3: S3Server) -> None:
    server = serve(s3=s3.s3.model_copy(update={"endpoint_url": "http://127.0.0.1:9"}))

    refused = Api(Raw(server), server, "bucket").send("GET", "")

    assert refused.status == 400
    assert refused.json["Message"].startswith("EndpointUnreachable: ")


KEYS = ["a//b", "/lead", "folder/", "exports/4f1a_2026-11-21-10_15:03.123_UTC/x.gz", "a b+c%20d/é?#&=;", "uploads/x"]


def test_odd_keys_come_through_the_path(api: Api) -> None:
    for key in KEYS:
        assert api.put(key, key.encode()).status == 200

        assert api.get(key).body == key.encode()
        assert key in api.keys(key)


def test_a_list_comes_in_pages(api: Api) -> None:
    for key in ("a", "a/1", "a/2", "a/3", "b", "é/1", "é/2"):
        api.put(key, b"x")

    first = api.send("GET", "?prefix=a%2F&page-size=2").json
    second = api.send("GET", f"?prefix=a%2F&page-size=2&token={quote(first['NextToken'], safe='')}").json
    other = api.send("GET", "?prefix=%C3%A9&page-size=2").json

    assert [item["Key"] for item in first["Item"]] == ["a/1", "a/2"]
    assert [item["Key"] for item in second["Item"]] == ["a/3"]
    assert "NextToken" not in second
    assert [item["Key"] for item in other["Item"]] == ["é/1", "é/2"]
    assert "NextToken" not in other


def test_a_listed_object_has_size_etag_and_date(api: Api) -> None:
    completed = api.put("people.csv", b"12345").json

    item = api.send("GET", "").json["Item"][0]

    assert item["Size"] == 5
    assert item["ETag"] == completed["ETag"]
    assert abs(datetime.fromisoformat(item["LastModified"]) - datetime.now(UTC)).total_seconds() < 60


def test_a_page_size_out_of_bounds_is_told(folder_api: Api) -> None:
    for page_size in ("0", "1001", "x", ""):
        refused = folder_api.send("GET", f"?page-size={page_size}")
        assert (refused.status, refused.json["Message"]) == (400, "Invalid page-size: must be between 1 and 1000")


def test_a_part_of_an_object_is_sent(api: Api) -> None:
    etag = quote(api.put("digits", b"0123456789").json["ETag"], safe="")

    assert api.get("digits", f"?start=4&etag={etag}").body == b"456789"
    assert api.get("digits", "?start=4&size=3").body == b"456"
    assert api.get("digits", "?start=10").body == b""
    assert api.get("digits", "?start=11").status == 400
    assert api.get("digits", "?start=4&size=7").status == 400


def test_another_object_than_the_one_that_was_begun_is_not_sent(api: Api) -> None:
    etag = quote(api.put("digits", b"0123456789").json["ETag"], safe="")
    api.put("digits", b"9876543210")

    refused = api.get("digits", f"?start=4&etag={etag}")

    assert (refused.status, refused.json["Message"]) == (409, f"s3://{api.bucket}/digits changed")


def test_part_is_what_the_body_holds_whatever_the_query_says(folder_api: Api) -> None:
    upload_id = folder_api.begin("x")

    sent = folder_api.send("PUT", f"/uploads/{upload_id}/parts/1?Body=abc", b"zz")
    folder_api.complete(upload_id, 1)

    assert (sent.status, sent.json) == (200, {"PartNumber": 1, "Size": 2})
    assert folder_api.get("x").body == b"zz"


def test_no_more_uploads_are_open_than_allowed(folder_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MAX_OPEN_UPLOADS", 2)
    folder_api.begin("a")
    folder_api.put("b", b"x")
    folder_api.begin("c")

    refused = folder_api.send("POST", "/uploads", {"Key": "d"})

    assert (refused.status, refused.json["Message"]) == (429, "Exceeded maximum number of open uploads: 2")


def test_a_call_without_a_signature_is_refused(api: Api) -> None:
    assert api.raw.send_unsigned("GET", f"/repoint/v1/files/{api.bucket}").status == 403


class LaterContext(TaskContext):
    """A task's context in which it is another time."""

    at = datetime(2100, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """That time."""
        return self.at


async def test_old_uploads_are_cleared_with_their_parts(api: Api, database: Database) -> None:
    upload_id = api.begin("people.csv")
    api.part(upload_id, 1, b"x")
    api.put("complete.csv", b"x")
    never_sent = api.begin("never.csv")

    await clear_uploads.run(TaskContext(database, api.server.settings, "test"))
    assert api.keys(".repoint/") == [f".repoint/uploads/{upload_id}/00001"]

    await clear_uploads.run(LaterContext(database, api.server.settings, "test"))
    assert api.keys(".repoint/") == []
    assert api.keys() == ["complete.csv"]
    assert api.part(upload_id, 2, b"x").status == 404
    assert api.part(never_sent, 1, b"x").status == 404


async def test_an_upload_into_a_bucket_that_vanished_is_cleared(folder_api: Api, database: Database) -> None:
    upload_id = folder_api.begin("people.csv")

    await clear_uploads.run(LaterContext(database, folder_api.server.settings, "test"))

    assert folder_api.part(upload_id, 1, b"x").status == 404


async def test_scratch_files_are_cleared(database: Database, settings: Settings) -> None:
    scratch = settings.files_dir / "bucket" / ".repoint" / "scratch"
    scratch.mkdir(parents=True)
    _leave(scratch / "old", age_s=90_000)
    _leave(scratch / "new", age_s=80_000)

    await clear_folder.run(TaskContext(database, settings, "test"))

    assert [path.name for path in scratch.iterdir()] == ["new"]


def _leave(path: Path, *, age_s: int) -> None:
    path.write_bytes(b"x")
    then = datetime.now(UTC).timestamp() - age_s
    os.utime(path, (then, then))
