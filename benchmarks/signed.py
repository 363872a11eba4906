"""Requests that are signed before they are timed, by botocore's own signer and with the headers that boto3 sends."""

import http.client
import json
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SERVICE = "mobiletargeting"
# What boto3 sends besides; only Content-Type, Host and X-Amz-Date are signed.
HEADERS = {
    "Accept-Encoding": "identity",
    "User-Agent": "Boto3/1.43 md/Botocore#1.43 ua/2.1 os/linux lang/python#3.11 md/pyimpl#CPython",
    "amz-sdk-invocation-id": "b3b9a0f0-5d0b-4f0e-9a57-3f2c6d0b7a11",
    "amz-sdk-request": "attempt=1",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A signed request; servers take it for five minutes."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def raw(self) -> bytes:
        """The request as it goes over the wire."""
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in self.headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class Signer:
    """Signs for one server with one key."""

    def __init__(self, url: str, access_key_id: str, secret_access_key: str, region: str) -> None:
        self.host = url.removeprefix("http://")
        self._url = url
        self._auth = SigV4Auth(Credentials(access_key_id, secret_access_key), SERVICE, region)

    def sign(self, method: str, path: str, document: Any = None) -> Request:
        """A request with the JSON of `document` as its body, signed now. `path` is encoded already."""
        body = b"" if document is None else json.dumps(document).encode()
        request = AWSRequest(method, self._url + path, {"Content-Type": "application/json"}, body)
        self._auth.add_auth(request)
        headers = {"Host": self.host, **dict(request.headers.items()), **HEADERS}
        if body:
            headers["Content-Length"] = str(len(body))
        return Request(method, path, headers, body)

    def connect(self) -> http.client.HTTPConnection:
        """A connection that stays open from request to request."""
        return http.client.HTTPConnection(self.host, timeout=120)


def send(connection: http.client.HTTPConnection, request: Request) -> tuple[int, bytes]:
    """Send a request; status and body of the answer."""
    connection.request(request.method, request.path, request.body, request.headers)
    answer = connection.getresponse()
    return answer.status, answer.read()
