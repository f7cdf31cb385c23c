"""Administers IAM: the users and roles that tests need."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3

from sandbox.aws.ministack import REGION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_iam import IAMClient

ACCOUNT = "000000000000"
ISSUER = "kubernetes.default.svc"
"""The issuer of the sandbox's ServiceAccount tokens, as IAM names it."""

READ = ("appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration")


class Iam:
    """IAM's control plane.

    Parameters
    ----------
    url
        Of the service: a MiniStack with access checks.
    """

    def __init__(self, url: str) -> None:
        self.client: IAMClient = boto3.client(
            "iam",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the root of the account, with access checks
        )

    def user(self, name: str, actions: Sequence[str] = READ) -> tuple[str, str]:
        """Create a user with some permissions.

        Parameters
        ----------
        name
            A name that does not exist yet.
        actions
            The actions that are allowed, on all resources.

        Returns
        -------
        tuple of str and str
            Its access key ID and its secret access key.
        """
        self.client.create_user(UserName=name)
        if actions:
            self.client.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=_may(actions))
        return self.new_keys(name)

    def new_keys(self, user: str) -> tuple[str, str]:
        """Create another key for a user: access key ID and secret access key."""
        made = self.client.create_access_key(UserName=user)["AccessKey"]
        return made["AccessKeyId"], made["SecretAccessKey"]

    def delete_keys(self, user: str, access_key_id: str) -> None:
        """Delete a key of a user: AWS no longer knows it."""
        self.client.delete_access_key(UserName=user, AccessKeyId=access_key_id)

    def role(self, name: str, trust: object, actions: Sequence[str] = READ) -> str:
        """Create a role.

        Parameters
        ----------
        name
            A name that does not exist yet.
        trust
            Its trust policy, `trust_in` or `trust_in_service_account`.
        actions
            The actions that are allowed, on all resources.

        Returns
        -------
        str
            Its ARN.
        """
        made = self.client.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        if actions:
            self.client.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=_may(actions))
        return made["Role"]["Arn"]

    def allow(self, role: str, actions: Sequence[str] = READ) -> None:
        """Set what a role is allowed to do."""
        self.client.put_role_policy(RoleName=role, PolicyName="may", PolicyDocument=_may(actions))


def trust_in(principal: str, **conditions: dict[str, str]) -> object:
    """Make a trust policy that names an ARN, with conditions by their operator, such as ``StringEquals``."""
    return _trust("sts:AssumeRole", {"AWS": principal}, conditions)


def trust_in_service_account(namespace: str, name: str) -> object:
    """Make a trust policy for a ServiceAccount of the sandbox's cluster, as in the EKS documentation.

    Without the audience: it is a list in Kubernetes tokens, and MiniStack does not match a list with a string.
    """
    claims = {f"{ISSUER}:sub": f"system:serviceaccount:{namespace}:{name}"}
    provider = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"}
    return _trust("sts:AssumeRoleWithWebIdentity", provider, {"StringEquals": claims})


def _trust(action: str, principal: dict[str, str], conditions: dict[str, dict[str, str]]) -> object:
    statement = {"Effect": "Allow", "Action": action, "Principal": principal, "Condition": conditions}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _may(actions: Sequence[str]) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
