"""The main job from end to end, as a newcomer's own program would do it: `make demo`.

Starts `repoint serve` on a temporary folder and a free port, and then only speaks HTTP: boto3 for the Pinpoint API, the
`repoint files` command for the bucket. It checks what it shows; exit code 1 when something is not as it must be.
"""

import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

FOLDER = Path(__file__).parent / "endpoints"
REPOINT = (sys.executable, "-m", "repoint.cli.main")
BUCKET = "demo-bucket"
ROLE = "arn:aws:iam::000000000000:role/demo"
IMPORTS = (("customers.csv", "CSV"), ("devices.ndjson", "JSON"), ("points.csv", "CSV"))
JOB_TIMEOUT_S = 60
LOG = "serve.log"

# Has an e-mail endpoint in customers.csv, several devices, and a line in points.csv.
USER_ID = "cust-00919"

console = Console(highlight=False)


class Wrong(Exception):
    """Something is not as it must be."""


def main() -> int:
    """Run the demo; its exit code."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="repoint-demo-") as folder:
        try:
            with server(Path(folder)) as environment:
                run(environment, Path(folder))
        except Wrong as wrong:
            console.print(f"\n[bold red]Wrong:[/] {escape(str(wrong))}")
            console.print("The server's last words:", *last_lines(Path(folder) / LOG), sep="\n  ", markup=False)
            return 1
    console.print(f"\n[green]Everything was as it must be[/], after {time.monotonic() - started:.0f} s.")
    console.print("""
To use it by hand, start the server; its first start prints four lines for the shell of your own program:

    [bold].venv/bin/repoint serve[/]

With those set, boto3 and the AWS CLI talk to it unchanged, for example:

    [bold]aws pinpoint create-app --create-application-request Name=MyApp[/]
    [bold].venv/bin/repoint import examples/endpoints/customers.csv --app <Id>[/]
    [bold].venv/bin/repoint export --app <Id> --to endpoints.ndjson[/]
""")
    return 0


@contextmanager
def server(folder: Path) -> Iterator[dict[str, str]]:
    """A real `repoint serve`; what it printed to paste, as an environment."""
    step("Start the server: embedded PostgreSQL, API and worker")
    log = folder / LOG
    command = (*REPOINT, "serve", "--data-dir", str(folder / "data"), "--port", "0")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "REPOINT_"))}
    own["REPOINT_EVENT_FOLDERS"] = json.dumps([str(folder / "streams")])
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, cwd=folder, env=own | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        exports = read_exports(process)
        check("AWS_SECRET_ACCESS_KEY" in exports, "the server started and printed a key", exports)
        yield own | exports
    finally:
        process.terminate()
        code = process.wait()
    check(code == 0, "the server stopped in order", code)


def read_exports(process: subprocess.Popen[str]) -> dict[str, str]:
    """The `export` lines of the server's output, which is shown as it comes."""
    exports: dict[str, str] = {}
    for line in process.stdout or ():
        found = re.match(r"export (\w+)=(\S+)", line)
        if found:
            exports[found[1]] = found[2]
        console.print(f"  {escape(line.rstrip())}", style="dim", soft_wrap=True)
        if line.startswith("Ctrl-C"):
            break
    return exports


def last_lines(log: Path) -> list[str]:
    """The end of the server's log."""
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:] if log.exists() else []


def run(environment: dict[str, str], folder: Path) -> None:
    """Everything that is shown, in its order."""
    expected = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
    client = boto3.client(
        "pinpoint",
        endpoint_url=environment["AWS_ENDPOINT_URL_PINPOINT"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_DEFAULT_REGION"],
    )
    step("Create an application")
    application = client.create_app(CreateApplicationRequest={"Name": "Demo shop"})["ApplicationResponse"]
    show(application)

    step("Put the example files into the bucket")
    for name, _ in IMPORTS:
        repoint(environment, "files", "put", os.path.relpath(FOLDER / name), f"s3://{BUCKET}/in/{name}")
    console.print(repoint(environment, "files", "ls", f"s3://{BUCKET}/in/"), end="")

    for name, file_format in IMPORTS:
        import_file(client, application["Id"], name, file_format, expected["files"][name])
    read_and_update(client, application["Id"])
    endpoints = export(client, environment, application["Id"], folder, expected["endpoints"])
    listed = segments(client, environment, application["Id"], folder, endpoints)
    events(client, environment, application["Id"], folder)
    messages(client, environment, application["Id"])
    campaign(client, environment, application["Id"], listed, endpoints)


def import_file(client: Any, application_id: str, name: str, file_format: str, expected: dict[str, Any]) -> None:
    """Import one file and compare the job's verdicts with what the generator did on purpose."""
    step(f"Import {name}")
    request = {"S3Url": f"s3://{BUCKET}/in/{name}", "Format": file_format, "RoleArn": ROLE, "RegisterEndpoints": True}
    answer = client.create_import_job(ApplicationId=application_id, ImportJobRequest=request)
    job = watch(client.get_import_job, application_id, answer["ImportJobResponse"])
    table = Table("line", "what the job says", "what is wrong with it", box=None, header_style="dim")
    failures = dict(re.findall(r"^s3://.*?:(\d+): (.*)$", "\n".join(job.get("Failures", [])), re.MULTILINE))
    for line, message in failures.items():
        table.add_row(line, escape(message), expected["bad_lines"].get(line, "nothing"))
    console.print(table)
    check(job["JobStatus"] == "COMPLETED", "the job is COMPLETED", job)
    check(job["TotalProcessed"] == expected["rows"], f"{expected['rows']} rows were processed", job)
    check(
        list(failures) == list(expected["bad_lines"]) and job["TotalFailures"] == len(failures),
        f"the {len(failures)} bad rows failed, and no other",
        job,
    )


def watch(get_job: Any, application_id: str, job: dict[str, Any]) -> dict[str, Any]:
    """Ask for the job until it has ended; the job as it is then."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]} rows"),
        TimeElapsedColumn(),
    )
    deadline = time.monotonic() + JOB_TIMEOUT_S
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(job["JobStatus"], total=None, rows=0)
        while job["JobStatus"] not in {"COMPLETED", "FAILED"} and time.monotonic() < deadline:
            time.sleep(0.1)
            (job,) = (
                v
                for k, v in get_job(ApplicationId=application_id, JobId=job["Id"]).items()
                if k.endswith("JobResponse")
            )
            done = job.get("CompletedPieces", 0) + job.get("FailedPieces", 0)
            total, rows = job.get("TotalPieces"), job.get("TotalProcessed", 0)
            progress.update(bar, description=job["JobStatus"], completed=done, total=total, rows=rows)
    return job


def read_and_update(client: Any, application_id: str) -> None:
    """Read an endpoint and a user's endpoints, change one thing, and see that all else is kept."""
    endpoint_id = f"{USER_ID}-email"
    step(f"Read the endpoint {endpoint_id}")
    before = client.get_endpoint(ApplicationId=application_id, EndpointId=endpoint_id)["EndpointResponse"]
    show(before)
    check(before["Attributes"]["Tier"] == ["platinum"], "points.csv made its tier platinum", before)
    check({"LoyaltyPoints", "Orders"} <= set(before["Metrics"]), "points and orders stand side by side", before)

    step(f"Read every endpoint of the user {USER_ID}")
    items = client.get_user_endpoints(ApplicationId=application_id, UserId=USER_ID)["EndpointsResponse"]["Item"]
    table = Table("Id", "ChannelType", "Address", "Status", box=None, header_style="dim")
    for item in items:
        table.add_row(item["Id"], item["ChannelType"], item["Address"][:40], item["EndpointStatus"])
    console.print(table)
    check(len(items) > 1, f"the user has {len(items)} endpoints, from two files", items)

    step(f"Update {endpoint_id}")
    change = {"Attributes": {"Interests": ["Sailing"]}, "User": {"UserAttributes": {"Plan": ["premium"]}}}
    client.update_endpoint(ApplicationId=application_id, EndpointId=endpoint_id, EndpointRequest=change)
    after = client.get_endpoint(ApplicationId=application_id, EndpointId=endpoint_id)["EndpointResponse"]
    show({name: after[name] for name in ("Attributes", "Metrics", "User")})
    check(
        after["Attributes"] == before["Attributes"] | {"Interests": ["Sailing"]}, "the other attribute is kept", after
    )
    check(after["Metrics"] == before["Metrics"], "the metrics are kept", after)
    items = client.get_user_endpoints(ApplicationId=application_id, UserId=USER_ID)["EndpointsResponse"]["Item"]
    plans = {tuple(item["User"]["UserAttributes"]["Plan"]) for item in items}
    check(plans == {("premium",)}, "every endpoint of the user shows the new plan", items)


def export(
    client: Any, environment: dict[str, str], application_id: str, folder: Path, count: int
) -> list[dict[str, Any]]:
    """Export everything, fetch the .gz and look into it; what stands there."""
    step("Export everything")
    request = {"S3UrlPrefix": f"s3://{BUCKET}/out/", "RoleArn": ROLE}
    answer = client.create_export_job(ApplicationId=application_id, ExportJobRequest=request)
    job = watch(client.get_export_job, application_id, answer["ExportJobResponse"])
    check(job["JobStatus"] == "COMPLETED", "the job is COMPLETED", job)
    url = f"s3://{BUCKET}/out/{job['Id']}_00000.gz"
    console.print(repoint(environment, "files", "ls", f"s3://{BUCKET}/out/"), end="")
    repoint(environment, "files", "get", url, str(folder / "export.gz"))

    step("The first lines of the .gz")
    with gzip.open(folder / "export.gz", "rt", encoding="utf-8") as file:
        lines = file.read().splitlines()
    for line in lines[:3]:
        console.print(escape(line), style="dim", soft_wrap=True)
    check(len(lines) == count, f"{count} endpoints were exported, as many as went in", len(lines))
    endpoints = [json.loads(line) for line in lines]
    ids = [endpoint["Id"] for endpoint in endpoints]
    check(ids == sorted(ids), "in the order of their ids", ids[:10])
    return endpoints


def segments(
    client: Any, environment: dict[str, str], application_id: str, folder: Path, endpoints: list[dict[str, Any]]
) -> str:
    """Make a segment of a file and one of conditions, count both, export one, and ask why an endpoint is in it.

    Answers the id of the file's.
    """
    step("A segment from a file")
    request = {"S3Url": f"s3://{BUCKET}/in/points.csv", "Format": "CSV", "RoleArn": ROLE, "DefineSegment": True}
    answer = client.create_import_job(ApplicationId=application_id, ImportJobRequest=request)
    job = watch(client.get_import_job, application_id, answer["ImportJobResponse"])
    listed = job["Definition"]["SegmentId"]
    found = client.get_segment(ApplicationId=application_id, SegmentId=listed)["SegmentResponse"]
    show({name: found[name] for name in ("Name", "SegmentType", "ImportDefinition")})
    good = job["TotalProcessed"] - job["TotalFailures"]
    check(count(environment, application_id, listed) == good, f"its {good} good rows are its members", found)

    step("A dynamic segment, based on it: who lives in Spain or France and likes to travel")
    show(TRAVELLERS)
    group = {"SourceSegments": [{"Id": listed}], "Dimensions": [TRAVELLERS]}
    request = {"Name": "Travellers with points", "SegmentGroups": {"Groups": [group]}}
    made = client.create_segment(ApplicationId=application_id, WriteSegmentRequest=request)["SegmentResponse"]
    in_file = ids_in("points.csv")
    expected = [endpoint for endpoint in endpoints if endpoint["Id"] in in_file and is_traveller(endpoint)]
    counted = count(environment, application_id, made["Id"])
    check(counted == len(expected) > 0, f"it has the {len(expected)} members that the export above has", counted)

    step("Export that segment")
    path = folder / "travellers.ndjson"
    repoint(environment, "export", "--app", application_id, "--segment", made["Id"], "--to", str(path))
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    ids = [endpoint["Id"] for endpoint in expected]
    check([line["Id"] for line in lines] == ids, f"it holds the {len(ids)} members and nobody else", lines[:1])

    step("Why is an endpoint in it, or not?")
    for endpoint in (expected[0], next(each for each in endpoints if each["Id"] not in in_file)):
        asked = ("--app", application_id, "--segment", made["Id"], "--endpoint", endpoint["Id"])
        told = repoint(environment, "why", *asked)
        console.print(told, markup=False, soft_wrap=True)
        is_or_not = "is" if endpoint in expected else "is not"
        check(told.startswith(f"{endpoint['Id']} {is_or_not} a member"), f"{endpoint['Id']} {is_or_not} a member", told)
    return str(listed)


def events(client: Any, environment: dict[str, str], application_id: str, folder: Path) -> None:
    """Stream events to a folder, put some, follow them, and read them back from where they were sent."""
    step("An event stream to a folder")
    request = {"DestinationStreamArn": f"file://{folder}/streams/shop", "RoleArn": ROLE}
    show(client.put_event_stream(ApplicationId=application_id, WriteEventStream=request)["EventStream"])

    step(f"Put events of {USER_ID}-email")
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    batch = {
        f"{USER_ID}-email": {
            "Endpoint": {"Metrics": {"Visits": 7.0}},
            "Events": {
                "event-1": {"EventType": "_session.start", "Timestamp": now},
                "event-2": {"EventType": "product.viewed", "Timestamp": now, "Attributes": {"product": "Kayak"}},
                "event-3": {"EventType": "product.viewed", "Timestamp": "yesterday"},
                "event-4": {"EventType": "_email.hardbounce", "Timestamp": now},
            },
        }
    }
    answer = client.put_events(ApplicationId=application_id, EventsRequest={"BatchItem": batch})
    results = answer["EventsResponse"]["Results"][f"{USER_ID}-email"]
    show(results)
    told = [verdict["Message"] for _, verdict in sorted(results["EventsItemResponse"].items())]
    judged = ["Accepted", "Accepted", "Invalid Timestamp", "Reserved event type"]
    check(told == judged, "each event was judged by itself", told)

    step("See them in the log")
    console.print(repoint(environment, "events", "tail", "--app", application_id), markup=False, soft_wrap=True, end="")

    step("Read them back from where the stream leads")
    records = sent_on(folder / "streams" / "shop", 3)
    types = [record["event_type"] for record in records]
    check(types == ["_test.event_stream", "_session.start", "product.viewed"], "the stream carried them", types)
    show(records[-1])
    endpoint = json.loads(records[-1]["client_context"]["custom"]["endpoint"])
    check(endpoint["User"]["UserId"] == USER_ID, "a record tells whose event it is", endpoint)
    console.print(repoint(environment, "stream", "status", "--app", application_id), markup=False, end="")


def sent_on(folder: Path, count: int) -> list[dict[str, Any]]:
    """What the stream has written, as soon as it is so much."""
    deadline = time.monotonic() + JOB_TIMEOUT_S
    while True:
        lines = [line for path in sorted(folder.glob("*.ndjson")) for line in path.read_text("utf-8").splitlines()]
        if len(lines) >= count or time.monotonic() > deadline:
            return [json.loads(line) for line in lines]
        time.sleep(0.1)


TEMPLATE = {
    "Subject": "{{User.UserAttributes.FirstName}}, your order {{order}} is on its way",
    "HtmlPart": "<p>Dear {{User.UserAttributes.FirstName}},</p><p>order <b>{{order}}</b> has left our house.</p>",
    "DefaultSubstitutions": '{"User.UserAttributes.FirstName": "customer"}',
}


def messages(client: Any, environment: dict[str, str], application_id: str) -> None:
    """An e-mail with a template to three recipients and a text to a stored endpoint, as the mailbox has them."""
    step("Send an e-mail to three recipients with a template")
    email = {"FromAddress": "Demo shop <orders@shop.example>", "Identity": "shop.example"}
    client.update_email_channel(ApplicationId=application_id, EmailChannelRequest=email)
    client.create_email_template(TemplateName="order", EmailTemplateRequest=TEMPLATE)
    names = {"ann@example.com": "Ann", "bob@example.com": "Bob & Co", "zoe@example.com": None}
    addresses = {
        address: {"ChannelType": "EMAIL", "Substitutions": {"order": ["4711"]} | _first_name(name)}
        for address, name in names.items()
    }
    request = {"Addresses": addresses, "MessageConfiguration": {}}
    template = {"TemplateConfiguration": {"EmailTemplate": {"Name": "order"}}}
    answer = client.send_messages(ApplicationId=application_id, MessageRequest=request | template)["MessageResponse"]
    show(answer["Result"])

    step("Send a text with an inline body to a stored endpoint")
    client.update_sms_channel(ApplicationId=application_id, SMSChannelRequest={"SenderId": "DEMOSHOP"})
    phone = {"ChannelType": "SMS", "Address": "+14255550142", "User": {"UserId": USER_ID}}
    client.update_endpoint(ApplicationId=application_id, EndpointId="demo-phone", EndpointRequest=phone)
    text = {
        "SMSMessage": {"Body": "Hello {{User.UserId}}, your code is {{code}}", "Substitutions": {"code": ["123456"]}}
    }
    request = {"Endpoints": {"demo-phone": {}}, "MessageConfiguration": text}
    told = client.send_messages(ApplicationId=application_id, MessageRequest=request)["MessageResponse"]
    result = told["EndpointResult"]["demo-phone"]
    check(result["DeliveryStatus"] == "SUCCESSFUL", "the text was sent", result)

    step("Look into the mailbox, where messages stay until a provider is set")
    listed = repoint(environment, "mailbox", "--app", application_id)
    console.print(listed, end="", markup=False, soft_wrap=True)
    heads = [line.split("\t")[3] for line in listed.splitlines()]
    expected = [f"{name or 'customer'}, your order 4711 is on its way" for name in names.values()]
    expected.append(f"Hello {USER_ID}, your code is 123456")
    check(heads == expected, "the three e-mails and the text are there, each filled for its recipient", heads)
    message_id = answer["Result"]["bob@example.com"]["MessageId"]
    shown = repoint(environment, "mailbox", "show", message_id, "--app", application_id)
    console.print(shown, end="", markup=False)
    check("Dear Bob &amp; Co" in shown, "what was put into HTML is escaped there", shown)
    tail = repoint(environment, "events", "tail", "--app", application_id, "--type", "_email.delivered", "--json")
    check(len(tail.splitlines()) == len(names), "the log tells of each e-mail", tail)


POINTS = {
    "EmailMessage": {
        "Title": "{{User.UserAttributes.FirstName}}, you have {{Metrics.LoyaltyPoints}} points",
        "HtmlBody": "<p>Thank you, {{User.UserAttributes.FirstName}}: you are {{Attributes.Tier}} now.</p>",
    }
}


def campaign(
    client: Any, environment: dict[str, str], application_id: str, segment_id: str, endpoints: list[dict[str, Any]]
) -> None:
    """A campaign to everybody in a file, watched, counted against what was imported, and explained for two of them."""
    step("A campaign to everybody in points.csv, at once")
    request = {
        "Name": "Points",
        "SegmentId": segment_id,
        "Schedule": {"StartTime": "IMMEDIATE"},
        "MessageConfiguration": POINTS,
    }
    made = client.create_campaign(ApplicationId=application_id, WriteCampaignRequest=request)["CampaignResponse"]
    named = ("--app", application_id, "--campaign", made["Id"])
    repoint(environment, "campaign", "watch", *named, shows_progress=True)
    answer = client.get_campaign_activities(ApplicationId=application_id, CampaignId=made["Id"])
    (activity,) = answer["ActivitiesResponse"]["Item"]
    show({name: activity[name] for name in SHOWN})

    in_file = ids_in("points.csv")
    members = [endpoint for endpoint in endpoints if endpoint["Id"] in in_file]
    wanted = [endpoint for endpoint in members if endpoint["OptOut"] == "NONE"]
    sent = (activity["TotalEndpointCount"], activity["SuccessfulEndpointCount"])
    check(activity["State"] == "COMPLETED", "the run is COMPLETED", activity)
    check(sent == (len(wanted), len(wanted)), f"{len(wanted)} of {len(members)} imported endpoints got it", activity)
    opted_out = activity["ExecutionMetrics"]["ENDPOINT_OPT_OUT"]
    check(opted_out == f"{len(members) - len(wanted)}", f"the other {opted_out} have opted out", activity)

    step("Its messages in the mailbox, the last three of them")
    listed = repoint(environment, "mailbox", "--app", application_id, "--number", "1000").splitlines()
    lines = [line for line in listed if line.split("\t")[3].endswith(" points")]
    console.print(*lines[-3:], sep="\n", markup=False, soft_wrap=True)
    addresses = sorted(line.split("\t")[2] for line in lines)
    is_once_each = addresses == sorted(endpoint["Address"] for endpoint in wanted)
    check(is_once_each, "one for each of them, and for nobody else", addresses[:5])

    step("Why did one get it, and another not?")
    unwanted = next(endpoint for endpoint in members if endpoint["OptOut"] == "ALL")
    for endpoint, status in ((wanted[0], "SUCCESS"), (unwanted, "ENDPOINT_OPT_OUT")):
        told = repoint(environment, "why", *named, "--endpoint", endpoint["Id"])
        console.print(told, end="", markup=False, soft_wrap=True)
        check(f"  {status}: " in told, f"the ledger has {status} for {endpoint['Id']}", told)


SHOWN = ("State", "Result", "TotalEndpointCount", "SuccessfulEndpointCount", "ExecutionMetrics")


def ids_in(name: str) -> set[str]:
    """The ids in the first column of an example file."""
    with (FOLDER / name).open(encoding="utf-8") as file:
        return {line.split(",")[0] for line in file}


def _first_name(name: str | None) -> dict[str, list[str]]:
    return {} if name is None else {"User.UserAttributes.FirstName": [name]}


def is_traveller(endpoint: dict[str, Any]) -> bool:
    """What the conditions below say, in Python."""
    interests = endpoint["Attributes"].get("Interests", [])
    return endpoint.get("Location", {}).get("Country") in ("ES", "FR") and "Travel" in interests


TRAVELLERS = {
    "Location": {"Country": {"DimensionType": "INCLUSIVE", "Values": ["ES", "FR"]}},
    "Attributes": {"Interests": {"AttributeType": "INCLUSIVE", "Values": ["Travel"]}},
}


def count(environment: dict[str, str], application_id: str, segment_id: str) -> int:
    """The members of a segment, by command."""
    told = repoint(environment, "segment", "count", "--app", application_id, "--segment", segment_id)
    members, eligible = map(int, told.split())
    console.print(f"{members} members, {eligible} of them would be sent to")
    return members


def repoint(environment: dict[str, str], *arguments: str, shows_progress: bool = False) -> str:
    """Run a `repoint` command; what it printed. Its progress goes where the demo's own goes, if it is to be seen."""
    console.print(f"[bold]$ repoint {escape(' '.join(arguments))}[/]", soft_wrap=True)
    errors = None if shows_progress else subprocess.PIPE
    done = subprocess.run(
        [*REPOINT, *arguments], env=environment, stdout=subprocess.PIPE, stderr=errors, text=True, check=False
    )
    check(done.returncode == 0, "", done.stderr)
    return done.stdout


def step(title: str) -> None:
    """Say what comes next."""
    console.print()
    console.rule(f"[bold]{escape(title)}", align="left")


def show(document: dict[str, Any]) -> None:
    """Print a document of the API."""
    console.print_json(json.dumps(document, ensure_ascii=False))


def check(is_so: bool, claim: str, seen: object) -> None:  # noqa: FBT001 - a claim reads best behind its condition
    """Go on if it is so; raises Wrong with what was seen otherwise."""
    if not is_so:
        raise Wrong(f"it is not so that {claim or 'the command succeeded'}: {seen}")
    if claim:
        console.print(f"[green]✓[/] {escape(claim)}")


if __name__ == "__main__":
    sys.exit(main())
