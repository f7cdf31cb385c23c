"""STS, as far as roles are assumed: any role can be, but for those that hang. Pure."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qs

from benchmarks.data_plane.manners import HANGING_ROLE, NEVER, Reply
from benchmarks.data_plane.service import Answer

_ANSWER = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>\
<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>test</SecretAccessKey><SessionToken>test</SessionToken>\
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""


def assume_role(caller: str, body: bytes) -> Reply:
    """Answer AssumeRole with credentials whose calls are told as those of who asked for them."""
    (role,) = parse_qs(body.decode())["RoleArn"]
    if HANGING_ROLE in role:
        return Reply(b"", NEVER)
    answer = _ANSWER.format(key=caller).encode()
    return Reply(Answer.of(HTTPStatus.OK, "Content-Type: text/xml\r\n", answer))
