"""Imports from the bucket to the endpoints, through boto3 and a worker."""

from tests.jobs.conftest import Bucket, Jobs, both_stores

WORKED_EXAMPLE = """\
Id,ChannelType,Address,Attributes.Tier,Attributes.Tier,Metrics.Visits,User.UserId
a1,EMAIL,ann@example.com,"gold, old",vip,3,u1
,SMS,+12065550100,,,,u1
e9,,,silver,,,
zz,,,silver,,,
b2,EMAIL,bob@example.com,x,y,many,u2
b3,FAX,+1206,x,y,1,u3
b4,EMAIL,cid@example.com,x,y,1,u4,extra
"""


@both_stores
async def test_worked_example(jobs: Jobs, bucket: Bucket) -> None:
    jobs.update_endpoint("e9", ChannelType="EMAIL", Address="e9@example.com", Attributes={"Tier": ["gold"]})
    url = await bucket.put("in/people.csv", WORKED_EXAMPLE)

    job = await jobs.run_import(url)

    assert {name: job[name] for name in job if name not in ("CreationDate", "CompletionDate", "Id")} == {
        "ApplicationId": jobs.application_id,
        "Type": "IMPORT",
        "JobStatus": "COMPLETED",
        "Definition": {
            "S3Url": url,
            "RoleArn": "arn:aws:iam::000000000000:role/import",
            "Format": "CSV",
            "RegisterEndpoints": True,
            "DefineSegment": False,
            "ExternalId": "000000000000",
        },
        "TotalPieces": 1,
        "CompletedPieces": 1,
        "FailedPieces": 0,
        "TotalProcessed": 7,
        "TotalFailures": 4,
        "Failures": [
            f"{url}:5: Missing Address",
            f"{url}:6: Invalid Metrics.Visits: not a number",
            f"{url}:7: Invalid ChannelType",
            f"{url}:8: Too many columns",
        ],
    }
    a1 = jobs.get_endpoint("a1")
    assert (a1["Attributes"], a1["Metrics"]) == ({"Tier": ["gold, old", "vip"]}, {"Visits": 3.0})
    assert a1["User"] == {"UserId": "u1"}
    derived = jobs.get_endpoint("k82tly4q0rk85xgm7gghf/mfhcg")
    assert (derived["ChannelType"], derived["OptOut"], derived["User"]["UserId"]) == ("SMS", "NONE", "u1")
    e9 = jobs.get_endpoint("e9")
    assert (e9["ChannelType"], e9["Address"], e9["Attributes"]) == ("EMAIL", "e9@example.com", {"Tier": ["silver"]})
