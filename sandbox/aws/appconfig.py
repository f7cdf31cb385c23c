"""Deploys configurations: the part of AppConfig's control plane that the demo and the tests need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, cast

import boto3
from botocore.config import Config

from sandbox.aws.ministack import REGION
from sandbox.processes.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_appconfig import AppConfigClient
    from mypy_boto3_appconfig.type_defs import CreateHostedConfigurationVersionRequestTypeDef

_STRATEGY = "sandbox-at-once"
_DEPLOY_TIMEOUT = 30.0

# MiniStack returns one page, without a token for the next. AWS would return at most 50 items.
_ALL = 10_000


class _Named(TypedDict):
    Id: str
    Name: str


@dataclass(frozen=True)
class Place:
    """The place that a configuration is deployed to: three identifiers."""

    application: str
    environment: str
    profile: str


def _named(items: Sequence[object], name: str) -> str | None:
    """Find the identifier of the item with that name."""
    for item in cast("Sequence[_Named]", items):
        if item.get("Name") == name:
            return item["Id"]
    return None


class AppConfig:
    """AppConfig's control plane.

    Applications, environments and profiles are given by name. An existing one is used before a new one is created, so
    that names are unique.

    Parameters
    ----------
    url
        Of the service.
    region
        The region.
    access_key
        The caller. MiniStack treats twelve digits as a separate account; ``test`` is the account 000000000000.
    """

    def __init__(self, url: str, region: str = REGION, access_key: str = "test") -> None:
        self.client: AppConfigClient = boto3.client(
            "appconfig",
            endpoint_url=url,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key="test",  # noqa: S106 - what MiniStack expects of everybody
            # Servers of the sandbox are reached without a proxy.
            config=Config(proxies={}),
        )

    def create_application(self, name: str) -> str:
        """Ensure that an application exists.

        Parameters
        ----------
        name
            Its name.

        Returns
        -------
        str
            Its identifier.
        """
        there = _named(self.client.list_applications(MaxResults=_ALL)["Items"], name)
        return there or self.client.create_application(Name=name)["Id"]

    def create_environment(self, application: str, name: str) -> str:
        """Ensure that an environment exists.

        Parameters
        ----------
        application
            The name of the application, which is created if necessary.
        name
            The name of the environment.

        Returns
        -------
        str
            Its identifier.
        """
        owner = self.create_application(application)
        there = _named(self.client.list_environments(ApplicationId=owner, MaxResults=_ALL)["Items"], name)
        return there or self.client.create_environment(ApplicationId=owner, Name=name)["Id"]

    def create_profile(self, application: str, name: str, kind: str = "AWS.Freeform") -> str:
        """Ensure that a configuration profile exists.

        Parameters
        ----------
        application
            The name of the application, which is created if necessary.
        name
            The name of the profile.
        kind
            ``AWS.Freeform`` or ``AWS.AppConfig.FeatureFlags``; an existing one keeps its kind.

        Returns
        -------
        str
            Its identifier.
        """
        owner = self.create_application(application)
        there = _named(self.client.list_configuration_profiles(ApplicationId=owner, MaxResults=_ALL)["Items"], name)
        return there or self._new_profile(owner, name, kind)

    def _new_profile(self, application_id: str, name: str, kind: str) -> str:
        made = self.client.create_configuration_profile(
            ApplicationId=application_id, Name=name, LocationUri="hosted", Type=kind
        )
        return made["Id"]

    def ensure(self, application: str, environment: str, profile: str) -> Place:
        """Ensure that an application, an environment and a freeform profile exist.

        Parameters
        ----------
        application, environment, profile
            Their names.

        Returns
        -------
        Place
            Their identifiers.
        """
        return Place(
            application=self.create_application(application),
            environment=self.create_environment(application, environment),
            profile=self.create_profile(application, profile),
        )

    def deploy(  # noqa: PLR0913 - what a deployment consists of
        self,
        application: str,
        environment: str,
        profile: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        version_label: str | None = None,
    ) -> int:
        """Deploy a configuration, at once and to everyone, and wait until the deployment is complete.

        Parameters
        ----------
        application, environment, profile
            Their names; missing ones are created.
        content
            The configuration.
        content_type
            Its content type.
        version_label
            The label of the new version, if any.

        Returns
        -------
        int
            The number of the new version.

        Raises
        ------
        TimeoutError
            If the deployment did not complete.
        """
        place = self.ensure(application, environment, profile)
        version = self._new_version(place, content, content_type, version_label)
        deployment = self._start(place, version, self._strategy(_STRATEGY, minutes=0, growth=100.0))
        wait_until(
            lambda: self._state(place, deployment) == "COMPLETE", _DEPLOY_TIMEOUT, f"deployment {deployment} complete"
        )
        return version

    def deploy_gradually(  # noqa: PLR0913 - what a deployment consists of
        self,
        application: str,
        environment: str,
        profile: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        version_label: str | None = None,
        growth: int = 5,
        minutes: int = 1,
    ) -> None:
        """Start to deploy a configuration gradually, and do not wait.

        Parameters
        ----------
        application, environment, profile, content, content_type, version_label
            As `deploy`.
        growth
            Percentage of the sessions that each step adds. The first step does not come at once.
        minutes
            How long it takes until all sessions have it.
        """
        place = self.ensure(application, environment, profile)
        version = self._new_version(place, content, content_type, version_label)
        name = f"sandbox-linear-{growth}-percent-{minutes}-minutes"
        self._start(place, version, self._strategy(name, minutes=minutes, growth=growth))

    def _new_version(self, place: Place, content: bytes, content_type: str, version_label: str | None) -> int:
        request: CreateHostedConfigurationVersionRequestTypeDef = {
            "ApplicationId": place.application,
            "ConfigurationProfileId": place.profile,
            "Content": content,
            "ContentType": content_type,
        }
        if version_label is not None:
            request["VersionLabel"] = version_label
        return self.client.create_hosted_configuration_version(**request)["VersionNumber"]

    def _start(self, place: Place, version: int, strategy: str) -> int:
        started = self.client.start_deployment(
            ApplicationId=place.application,
            EnvironmentId=place.environment,
            DeploymentStrategyId=strategy,
            ConfigurationProfileId=place.profile,
            ConfigurationVersion=str(version),
        )
        return started["DeploymentNumber"]

    def _state(self, place: Place, deployment: int) -> str:
        answer = self.client.get_deployment(
            ApplicationId=place.application, EnvironmentId=place.environment, DeploymentNumber=deployment
        )
        return answer["State"]

    def _strategy(self, name: str, *, minutes: int, growth: float) -> str:
        # AppConfig.AllAtOnce bakes for ten minutes, and the next deployment is refused during that time.
        there = _named(self.client.list_deployment_strategies(MaxResults=_ALL)["Items"], name)
        return there or self._new_strategy(name, minutes, growth)

    def _new_strategy(self, name: str, minutes: int, growth: float) -> str:
        made = self.client.create_deployment_strategy(
            Name=name,
            DeploymentDurationInMinutes=minutes,
            FinalBakeTimeInMinutes=0,
            GrowthFactor=growth,
            ReplicateTo="NONE",
        )
        return made["Id"]

    def delete_application(self, name: str) -> None:
        """Delete an application with everything in it, if it exists.

        Parameters
        ----------
        name
            Its name.
        """
        application = _named(self.client.list_applications(MaxResults=_ALL)["Items"], name)
        if application:
            self.client.delete_application(ApplicationId=application)

    def delete_profile(self, application: str, name: str) -> None:
        """Delete a configuration profile, which must exist.

        Parameters
        ----------
        application
            The name of its application.
        name
            Its name.
        """
        owner = self.create_application(application)
        self.client.delete_configuration_profile(
            ApplicationId=owner, ConfigurationProfileId=self.create_profile(application, name)
        )

    def revert(self, application: str, environment: str) -> None:
        """Revert the newest deployment of an environment that has not been reverted yet.

        Parameters
        ----------
        application, environment
            Their names.
        """
        owner, place = self.create_application(application), self.create_environment(application, environment)
        deployments = self.client.list_deployments(ApplicationId=owner, EnvironmentId=place, MaxResults=_ALL)["Items"]
        number = max(item["DeploymentNumber"] for item in deployments if item["State"] == "COMPLETE")
        self.client.stop_deployment(ApplicationId=owner, EnvironmentId=place, DeploymentNumber=number, AllowRevert=True)
