"""Applications, which Pinpoint's console calls projects, and their settings (apps.md)."""

from collections.abc import Mapping
from typing import Any

from repoint.apps.settings import check_settings, without_cleared
from repoint.contract.dates import format_instant
from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.contract.shapes import ApplicationResponse, ApplicationSettingsResource, ApplicationsResponse
from repoint.db.queries import load_queries
from repoint.dispatch import checks_projects
from repoint.operation import Call, Input, operation
from repoint.resources.arns import app_arn
from repoint.resources.documents import Document, Resource
from repoint.resources.lock import lock_application
from repoint.resources.pages import read_page

Q = load_queries("repoint.apps")

MAX_NAME_LENGTH = 64


def check_app(request: Mapping[str, Any]) -> None:
    """Raises BadRequestException for a name that no application can have; blanks around it do not count."""
    name = request["Name"].strip()
    if not name:
        raise BadRequestException("Missing Name")
    if len(name) > MAX_NAME_LENGTH:
        raise BadRequestException(f"Name exceeds {MAX_NAME_LENGTH} characters")


APPS = Resource("app", check=check_app, missing="Application not found")
# One an application, with its id, from its creation on.
SETTINGS = Resource("app-settings", check=check_settings, missing="Application not found")


@checks_projects
async def check_project(call: Call, application_id: str) -> None:
    """Raises NotFoundException for an unknown application; one look into an index, nothing is held."""
    if await call.db.row(Q.application_exists, {"application_id": application_id}) is None:
        raise NotFoundException(APPS.missing)


@operation()
async def create_app(call: Call, arguments: Input) -> ApplicationResponse:
    """Create an application, within the operator's quota."""
    application_id = call.new_id()
    app = await APPS.create(call, arguments["CreateApplicationRequest"], document_id=application_id)
    await SETTINGS.create(call, {}, document_id=application_id, application_id=application_id)
    await APPS.require_at_most(call.db, call.settings.max_applications, "applications")
    return _answer(call, app)


@operation(one_statement=True, checks_project=True)
async def get_app(call: Call, arguments: Input) -> ApplicationResponse:
    """One application."""
    return _answer(call, await APPS.get(call.db, arguments["ApplicationId"]))


@operation(one_statement=True)
async def get_apps(call: Call, arguments: Input) -> ApplicationsResponse:
    """The account's applications, newest first."""
    page = read_page(call.operation, "", arguments.get("PageSize"), arguments.get("Token"))
    apps, token = await APPS.newest(call.db, page)
    answer: ApplicationsResponse = {"Item": [_answer(call, app) for app in apps]}
    return answer | {"NextToken": token} if token else answer


@operation(checks_project=True)
async def delete_app(call: Call, arguments: Input) -> ApplicationResponse:
    """Delete an application with all that belongs to it; the answer is the application as it was.

    Whoever writes its endpoints has finished before, or finds no application afterwards.
    """
    application_id = arguments["ApplicationId"]
    await lock_application(call.db, application_id)
    return _answer(call, await APPS.delete(call, application_id))


@operation(one_statement=True, checks_project=True)
async def get_application_settings(call: Call, arguments: Input) -> ApplicationSettingsResource:
    """The defaults of an application's campaigns and journeys."""
    return _settings(await SETTINGS.get(call.db, arguments["ApplicationId"]))


@operation()
async def update_application_settings(call: Call, arguments: Input) -> ApplicationSettingsResource:
    """Replace the members that are given wholly, `{}` clearing them, and keep the others."""
    request = without_cleared(arguments["WriteApplicationSettingsRequest"])
    return _settings(await SETTINGS.merge(call, arguments["ApplicationId"], request))


def _answer(call: Call, app: Document) -> ApplicationResponse:
    return {
        "Arn": app_arn(call, app.id),
        "Id": app.id,
        "Name": app.content["Name"],
        "tags": app.tags,
        "CreationDate": format_instant(app.created_at),
    }


def _settings(settings: Document) -> ApplicationSettingsResource:
    # CloudWatchMetricsEnabled and EventTaggingEnabled are kept, but the contract's answer has no place for them.
    answer: ApplicationSettingsResource = {
        "ApplicationId": settings.id,
        "CampaignHook": settings.content.get("CampaignHook", {}),
        "Limits": settings.content.get("Limits", {}),
        "QuietTime": settings.content.get("QuietTime", {}),
        "LastModifiedDate": format_instant(settings.modified_at),
    }
    if settings.content.get("JourneyLimits"):
        answer["JourneyLimits"] = settings.content["JourneyLimits"]
    return answer
