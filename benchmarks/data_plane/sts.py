"""The part of STS that assumes roles: any role works, except for those that hang. Pure."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qs

from benchmarks.data_plane.manners import HANGING_ROLE, NEVER, Reply
from benchmarks.data_plane.service import Answer

_ANSWER = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>\
<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>test</SecretAccessKey><SessionToken>test</SessionToken>\
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""


def assume_role(caller: str, body: bytes) -> Reply:
    """Answer AssumeRole with the caller's own access key, so that calls are attributed to the caller."""
    (role,) = parse_qs(body.decode())["RoleArn"]
    if HANGING_ROLE in role:
        return Reply(b"", NEVER)
    answer = _ANSWER.format(key=caller).encode()
    return Reply(Answer.of(HTTPStatus.OK, "Content-Type: text/xml\r\n", answer))
