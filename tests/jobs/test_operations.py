"""Every row of jobs.md, Errors, that a caller meets, and the lists of jobs."""

import asyncio
import bz2
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pydantic import SecretStr

from repoint.tables import AwsCredentials
from tests.fixtures.refusal import Refusal, refusal
from tests.fixtures.server import Raw, Serve, make_client
from tests.jobs.conftest import ROLE, Bucket, Jobs, both_stores

UNKNOWN = "0123456789abcdef0123456789abcdef"
NO_NAME = "expecting property name enclosed in double quotes"
CSV = "Id,ChannelType,Address\na,EMAIL,a@example.com\n"


def bad_request(message: str) -> Refusal:
    return Refusal(400, "BadRequestException", message)


def refused_import(jobs: Jobs, url: str = "s3://bucket/x.csv", file_format: str = "CSV", **more: Any) -> Refusal:
    return refusal(jobs.create_import, url=url, file_format=file_format, **more)


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.create_import_job(
            ApplicationId=UNKNOWN, ImportJobRequest={"S3Url": "s3://bucket/x", "RoleArn": ROLE, "Format": "CSV"}
        ),
        lambda client: client.create_export_job(
            ApplicationId=UNKNOWN, ExportJobRequest={"S3UrlPrefix": "s3://bucket/x", "RoleArn": ROLE}
        ),
        lambda client: client.get_import_job(ApplicationId=UNKNOWN, JobId=UNKNOWN),
        lambda client: client.get_export_job(ApplicationId=UNKNOWN, JobId=UNKNOWN),
        lambda client: client.get_import_jobs(ApplicationId=UNKNOWN),
        lambda client: client.get_export_jobs(ApplicationId=UNKNOWN),
        lambda client: client.get_segment_import_jobs(ApplicationId=UNKNOWN, SegmentId=UNKNOWN),
        lambda client: client.get_segment_export_jobs(ApplicationId=UNKNOWN, SegmentId=UNKNOWN),
    ],
)
def test_an_unknown_application_is_told(call: Callable[[Any], Any], client: Any) -> None:
    assert refusal(call, client=client) == Refusal(404, "NotFoundException", "Application not found")


async def test_an_unknown_job_or_one_of_the_other_kind_is_told(jobs: Jobs, bucket: Bucket) -> None:
    imported = (await jobs.run_import(await bucket.put("x.csv", CSV)))["Id"]
    exported = (await jobs.run_export(bucket.url("out")))["Id"]

    not_found = Refusal(404, "NotFoundException", "Resource not found")
    for job_id in (UNKNOWN, exported, "x"):
        assert refusal(jobs.get_import, job_id=job_id) == not_found
    for job_id in (UNKNOWN, imported):
        assert refusal(jobs.get_export, job_id=job_id) == not_found


def test_an_import_that_would_do_nothing_is_refused(jobs: Jobs) -> None:
    message = "RegisterEndpoints and DefineSegment can't both be false"

    assert refused_import(jobs, RegisterEndpoints=False) == bad_request(message)
    assert refused_import(jobs, RegisterEndpoints=False, DefineSegment=False) == bad_request(message)


@pytest.mark.parametrize("member", ["S3Url", "RoleArn", "Format"])
def test_an_import_without_a_required_member_is_refused(member: str, jobs: Jobs, raw: Raw) -> None:
    request = {"S3Url": "s3://bucket/x", "RoleArn": ROLE, "Format": "CSV"}
    for body in (request | {member: ""}, {name: request[name] for name in request if name != member}):
        answer = raw.send("POST", f"/v1/apps/{jobs.application_id}/jobs/import", body)

        assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "BadRequestException")
        assert answer.json["Message"] == f"Missing {member}"


@pytest.mark.parametrize("member", ["S3UrlPrefix", "RoleArn"])
def test_an_export_without_a_required_member_is_refused(member: str, jobs: Jobs, raw: Raw) -> None:
    request = {"S3UrlPrefix": "s3://bucket/x", "RoleArn": ROLE}
    for body in (request | {member: ""}, {name: request[name] for name in request if name != member}):
        answer = raw.send("POST", f"/v1/apps/{jobs.application_id}/jobs/export", body)

        assert (answer.status, answer.json["Message"]) == (400, f"Missing {member}")


@pytest.mark.parametrize("file_format", ["csv", "XML", "NDJSON"])
def test_an_unknown_format_is_refused(file_format: str, jobs: Jobs) -> None:
    assert refused_import(jobs, file_format=file_format) == bad_request(f"Invalid Format: {file_format}")


@pytest.mark.parametrize(
    "url",
    [
        "bucket/x",
        "http://bucket/x",
        "s3:/bucket/x",
        "s3://",
        "s3:///x",
        "s3://ab/x",
        "s3://a b/x",
        "S3://bucket",
        "s3://bucket/" + "x" * 1025,
    ],
)
def test_a_malformed_url_is_refused(url: str, jobs: Jobs) -> None:
    assert refused_import(jobs, url=url) == bad_request("Invalid S3Url")
    assert refusal(jobs.create_export, url=url) == bad_request("Invalid S3UrlPrefix")


@pytest.mark.parametrize(
    "role",
    ["x", "arn:aws:iam::123:role/x", "arn:aws:iam::000000000000:user/x", "arn:aws:iam::000000000000:role/", f"{ROLE} "],
)
def test_a_malformed_role_is_refused(role: str, jobs: Jobs) -> None:
    assert refused_import(jobs, RoleArn=role) == bad_request("Invalid RoleArn")
    assert refusal(jobs.create_export, url="s3://bucket/x", RoleArn=role) == bad_request("Invalid RoleArn")


@pytest.mark.parametrize("store_name", ["s3"])
async def test_a_role_must_be_one_of_those_that_have_credentials(
    jobs: Jobs, bucket: Bucket, serve: Serve, settings: Any
) -> None:
    roles = {ROLE: AwsCredentials(access_key_id="test", secret_access_key=SecretStr("test"))}
    server = serve(s3=settings.s3.model_copy(update={"roles": roles}))
    client = make_client(server)
    url = await bucket.put("x.csv", CSV)

    def create(role: str) -> Any:
        request = {"S3Url": url, "Format": "CSV", "RoleArn": role}
        return client.create_import_job(ApplicationId=jobs.application_id, ImportJobRequest=request)

    assert refusal(create, role=f"{ROLE}2") == bad_request("Invalid RoleArn")
    assert create(ROLE)["ImportJobResponse"]["JobStatus"] == "CREATED"
    client.close()
    await jobs.work()


def test_a_segment_needs_define_segment(jobs: Jobs) -> None:
    assert refused_import(jobs, SegmentId=UNKNOWN) == bad_request("SegmentId requires DefineSegment")
    assert refused_import(jobs, SegmentId=UNKNOWN, DefineSegment=False) == bad_request(
        "SegmentId requires DefineSegment"
    )
    assert refusal(jobs.create_export, url="s3://bucket/x", SegmentVersion=1) == bad_request(
        "SegmentVersion requires SegmentId"
    )


def test_an_unknown_segment_is_told(jobs: Jobs) -> None:
    not_found = Refusal(404, "NotFoundException", "Resource not found")
    of_segment = {"ApplicationId": jobs.application_id, "SegmentId": UNKNOWN}

    assert refused_import(jobs, SegmentId=UNKNOWN, DefineSegment=True) == not_found
    assert refusal(jobs.create_export, url="s3://bucket/x", SegmentId=UNKNOWN) == not_found
    assert refusal(jobs.create_export, url="s3://bucket/x", SegmentId=UNKNOWN, SegmentVersion=1) == not_found
    assert refusal(jobs.client.get_segment_import_jobs, **of_segment) == not_found
    assert refusal(jobs.client.get_segment_export_jobs, **of_segment) == not_found


def test_an_import_can_fill_imported_segments_only(jobs: Jobs) -> None:
    segment_id = jobs.create_segment(Name="Everybody")

    refused = refused_import(jobs, SegmentId=segment_id, DefineSegment=True)

    assert refused == bad_request(f"Segment {segment_id} is not an imported segment")


def test_a_segment_of_another_application_is_unknown(jobs: Jobs, client: Any) -> None:
    segment_id = jobs.create_segment(Name="Everybody")
    other = client.create_app(CreateApplicationRequest={"Name": "Other"})["ApplicationResponse"]["Id"]

    refused = refusal(jobs.of(other).create_export, url="s3://bucket/x", SegmentId=segment_id)

    assert refused == Refusal(404, "NotFoundException", "Resource not found")


@pytest.mark.parametrize("version", [-1, 0, 2])
def test_an_unknown_version_of_a_segment_is_told(version: int, jobs: Jobs) -> None:
    segment_id = jobs.create_segment(Name="Everybody")

    refused = refusal(jobs.create_export, url="s3://bucket/x", SegmentId=segment_id, SegmentVersion=version)

    assert refused == Refusal(404, "NotFoundException", "Resource not found")


def test_a_segments_name_has_at_most_128_characters(jobs: Jobs) -> None:
    refused = refused_import(jobs, DefineSegment=True, SegmentName="x" * 129)

    assert refused == bad_request("Name exceeds 128 characters")


@both_stores
async def test_a_missing_bucket_is_told(jobs: Jobs, bucket: Bucket) -> None:
    assert refused_import(jobs, f"s3://{bucket.name}-missing/x.csv") == bad_request(
        "Unable to access the Amazon S3 location: NoSuchBucket"
    )


@both_stores
async def test_nothing_importable_is_told(jobs: Jobs, bucket: Bucket) -> None:
    await bucket.put("in/", b"")
    await bucket.put("in/empty.csv", b"")
    await bucket.put("in/x.json", '{"Id":"a"}')
    await bucket.put("in/x.csv.zip", b"PK\x03\x04")

    for url in ("in/", "in/empty.csv", "out/", "in/x.cs"):
        assert refused_import(jobs, bucket.url(url)) == bad_request(
            f"No objects with format CSV found at {bucket.url(url)}"
        )


@pytest.mark.parametrize(
    ("key", "content"),
    [
        ("x.csv.zip", b"PK\x03\x04 and more"),
        ("x.bz2", bz2.compress(b"Id\n")),
        ("x.zst", b"\x28\xb5\x2f\xfd and more"),
        ("x", bz2.compress(b"Id\n")),
        ("x.csv", b"PK\x03\x04 and more"),
    ],
)
async def test_another_compression_than_gzip_is_told(key: str, content: bytes, jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put(key, content)

    for file_format in ("CSV", "JSON"):
        assert refused_import(jobs, url, file_format) == bad_request("Compressed files can't be imported")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"Id": "a"', "Unexpected end of input: expecting ',' delimiter at line 1, column 11"),
        ("{'Id': 'a'}\n", f"Unexpected character (''' (code 39)): {NO_NAME} at line 1, column 2"),
        ("\n\n  [\n", "Unexpected end of input: expecting value at line 3, column 4"),
        ('[{"Id": "a"}]', "Unexpected value: expected an object at line 1, column 1"),
        ("\n5\n", "Unexpected value: expected an object at line 2, column 1"),
        ("Id,Address\n", "Unexpected character ('I' (code 73)): expecting value at line 1, column 1"),
        ('{\n  "Id": "a"\n}\n', f"Unexpected end of input: {NO_NAME} at line 1, column 2"),
    ],
)
async def test_a_broken_first_json_line_is_told(content: str, message: str, jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("x.json", content)

    assert refused_import(jobs, url, "JSON") == bad_request(message)


async def test_a_first_json_line_that_is_not_utf_8_is_told(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("x.json", b'\n{"Id":"\xff"}\n')

    assert refused_import(jobs, url, "JSON") == bad_request("Invalid UTF-8 byte 0xff at line 2, column 8")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Id,Shoe\n", "Invalid header: Shoe"),
        (b"Id,Address\tChannelType\n", "Invalid header: Address\tChannelType"),
        (b"Address,Attributes.A\r\n", "Missing ChannelType or Address"),
        (b"\nId\n", "Invalid header: "),
        (b'{"Id":"a"}\n', 'Invalid header: {"Id":"a"}'),
        (b"Id,\xff\n", "Invalid header: not UTF-8"),
        (b"Id,Attributes." + b"x" * 1_000_000, "Invalid header: longer than 1,000,000 bytes"),
        (b"\x1f\x8bnot gzip at all", "The gzip data is broken"),
    ],
)
async def test_a_bad_first_header_is_told(content: bytes, message: str, jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("x.csv", content)

    assert refused_import(jobs, url) == bad_request(message)


async def test_only_the_first_object_is_looked_into(jobs: Jobs, bucket: Bucket) -> None:
    await bucket.put("in/1.csv", CSV)
    await bucket.put("in/2.csv", "Shoe\n")

    assert jobs.create_import(bucket.url("in/"))["JobStatus"] == "CREATED"
    await jobs.work()


async def test_an_import_over_the_size_limit_is_refused(jobs: Jobs, bucket: Bucket, serve: Serve) -> None:
    client = make_client(serve(import_size_limit_bytes=1024))
    await bucket.put("in/1.csv", "Id\n" + "a\n" * 300)
    await bucket.put("in/2.csv", "Id\n" + "a\n" * 300)
    await bucket.put("in/3.json", '{"Id":"a"}\n' * 300)

    def create(key: str) -> Any:
        request = {"S3Url": bucket.url(key), "Format": "CSV", "RoleArn": ROLE}
        return client.create_import_job(ApplicationId=jobs.application_id, ImportJobRequest=request)

    assert refusal(create, key="in/") == bad_request("Import size exceeds the maximum of 1 KB")
    assert create("in/1.csv")["ImportJobResponse"]["JobStatus"] == "CREATED"
    client.close()
    await jobs.work()


async def test_a_job_that_is_refused_is_not_there(jobs: Jobs) -> None:
    refused_import(jobs, "s3://missing/x.csv")

    assert jobs.client.get_import_jobs(ApplicationId=jobs.application_id)["ImportJobsResponse"] == {"Item": []}


async def test_active_imports_are_limited_exactly(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("x.csv", CSV)
    other = jobs.client.create_app(CreateApplicationRequest={"Name": "Other"})["ApplicationResponse"]["Id"]

    def create(number: int) -> str:
        request = {"S3Url": url, "Format": "CSV", "RoleArn": ROLE}
        application_id = other if number % 2 else jobs.application_id
        try:
            jobs.client.create_import_job(ApplicationId=application_id, ImportJobRequest=request)
        except ClientError as error:
            answer = error.response
            assert answer["Error"]["Code"] == "TooManyRequestsException"
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429
            return str(answer["Error"]["Message"])
        return "created"

    answers = await asyncio.gather(*(asyncio.to_thread(create, number) for number in range(20)))

    assert sorted(answers) == ["Exceeded maximum number of active import jobs: 10"] * 10 + ["created"] * 10
    await jobs.work()
    assert create(0) == "created"
    await jobs.work()


async def test_exports_are_not_limited(jobs: Jobs, bucket: Bucket) -> None:
    created = [jobs.create_export(bucket.url("x")) for _ in range(12)]

    await jobs.work()

    assert {jobs.get_export(job["Id"])["JobStatus"] for job in created} == {"COMPLETED"}


async def test_jobs_are_listed_newest_first_in_pages(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("x.csv", CSV)
    imports = [jobs.create_import(url)["Id"] for _ in range(5)]
    exports = [jobs.create_export(bucket.url("out"))["Id"] for _ in range(3)]
    application = {"ApplicationId": jobs.application_id}

    pages: list[list[str]] = []
    token: dict[str, str] = {}
    while True:
        page = jobs.client.get_import_jobs(**application, PageSize="2", **token)["ImportJobsResponse"]
        pages.append([job["Id"] for job in page["Item"]])
        if "NextToken" not in page:
            break
        token = {"Token": page["NextToken"]}

    assert [len(page) for page in pages] == [2, 2, 1]
    assert [job_id for page in pages for job_id in page] == imports[::-1]
    found = jobs.client.get_export_jobs(**application)["ExportJobsResponse"]
    assert [job["Id"] for job in found["Item"]] == exports[::-1]
    assert "NextToken" not in found
    assert found["Item"][0] == jobs.get_export(exports[2])
    await jobs.work()


@pytest.mark.parametrize("page_size", ["0", "1001", "x", "-1", "1.5", ""])
def test_a_page_size_out_of_range_is_refused(page_size: str, jobs: Jobs) -> None:
    application = {"ApplicationId": jobs.application_id}

    assert refusal(jobs.client.get_import_jobs, **application, PageSize=page_size) == bad_request("Invalid page-size")
    assert refusal(jobs.client.get_export_jobs, **application, PageSize=page_size) == bad_request("Invalid page-size")


async def test_a_token_of_another_list_is_refused(jobs: Jobs, bucket: Bucket) -> None:
    for _ in range(2):
        jobs.create_export(bucket.url("out"))
    application = {"ApplicationId": jobs.application_id}
    token = jobs.client.get_export_jobs(**application, PageSize="1")["ExportJobsResponse"]["NextToken"]

    for call, given in ((jobs.client.get_import_jobs, token), (jobs.client.get_export_jobs, "x")):
        assert refusal(call, **application, Token=given) == bad_request("Invalid token")
    await jobs.work()


def test_a_wrong_method_is_refused(jobs: Jobs, raw: Raw) -> None:
    answer = raw.send("PUT", f"/v1/apps/{jobs.application_id}/jobs/import", {})

    assert (answer.status, answer.headers["x-amzn-errortype"]) == (405, "MethodNotAllowedException")
    assert answer.json["Message"] == "Method not allowed"


async def test_create_answers_201_for_imports_and_202_for_exports(jobs: Jobs, bucket: Bucket) -> None:
    request = {"S3Url": await bucket.put("x.csv", CSV), "Format": "CSV", "RoleArn": ROLE, "ExternalId": "mine"}
    of_import = jobs.client.create_import_job(ApplicationId=jobs.application_id, ImportJobRequest=request)
    of_export = jobs.client.create_export_job(
        ApplicationId=jobs.application_id, ExportJobRequest={"S3UrlPrefix": bucket.url("out"), "RoleArn": ROLE}
    )

    assert of_import["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert of_import["ImportJobResponse"]["Definition"]["ExternalId"] == "mine"
    assert of_export["ResponseMetadata"]["HTTPStatusCode"] == 202
    await jobs.work()


@pytest.mark.parametrize(
    ("prefix", "why"),
    [
        (".repoint", ".repoint/ is Repoint's own"),
        (".repoint/uploads/x", ".repoint/ is Repoint's own"),
        ("a/../b", "'.' and '..' are no parts of a key here"),
    ],
)
def test_an_export_to_where_no_object_may_be_is_refused(prefix: str, why: str, jobs: Jobs) -> None:
    refused = refusal(jobs.create_export, url=f"s3://bucket/{prefix}")

    assert refused == bad_request(f"Invalid S3UrlPrefix: {why}")


@pytest.mark.parametrize("key", [".repoint", ".repoint/", ".repoint/uploads/x/00001"])
async def test_an_import_of_what_is_ours_is_refused(key: str, jobs: Jobs, bucket: Bucket) -> None:
    await bucket.put(".repoint/uploads/x/00001", "Id,ChannelType,Address\na,EMAIL,a@example.com\n")

    assert refused_import(jobs, url=bucket.url(key)) == bad_request("Invalid S3Url: .repoint/ is Repoint's own")
