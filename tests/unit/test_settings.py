"""Settings: a wrong one is refused, a variable that is not ours is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appconfig_operator.__main__ import VARIABLES
from appconfig_operator.settings import Settings, SettingsError, check_aws_variables, check_variables

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("APPCONFIG_OPERATOR_WORKER", "did you mean APPCONFIG_OPERATOR_WORKERS?", id="letter missing"),
        pytest.param("APPCONFIG_OPERATOR_NAMESPACES", "did you mean APPCONFIG_OPERATOR_NAMESPACE?", id="plural"),
        pytest.param("APPCONFIG_OPERATOR_LOGLEVEL", "did you mean APPCONFIG_OPERATOR_LOG_LEVEL?", id="no underscore"),
        pytest.param("APPCONFIG_OPERATOR_log_format", "", id="lower case"),
        pytest.param("APPCONFIG_OPERATOR_", "", id="prefix only"),
        pytest.param("APPCONFIG_OPERATOR_" + "X" * 60, f"known variables are {', '.join(VARIABLES)}", id="like none"),
        pytest.param("APPCONFIG_OPERATOR_PORTS", "", id="like a service link"),
        pytest.param("APPCONFIG_OPERATOR_SERVICE", "", id="start of a service link"),
    ],
)
def test_typos(name: str, hint: str) -> None:
    with pytest.raises(SettingsError) as error:
        check_variables(dict.fromkeys(["HOME", name, *VARIABLES], "x"), VARIABLES)
    assert str(error.value).startswith(f"unknown environment variable {name}: ")
    assert hint in str(error.value)


@pytest.mark.parametrize(
    "name",
    [
        *VARIABLES,
        "APPCONFIG_OPERATOR_SERVICE_HOST",
        "APPCONFIG_OPERATOR_SERVICE_PORT",
        "APPCONFIG_OPERATOR_SERVICE_PORT_METRICS",
        "APPCONFIG_OPERATOR_PORT",
        "APPCONFIG_OPERATOR_PORT_8080_TCP",
        "APPCONFIG_OPERATOR_PORT_8080_TCP_ADDR",
        "APPCONFIG_OPERATOR_PORT_8080_TCP_PORT",
        "APPCONFIG_OPERATOR_PORT_8080_TCP_PROTO",
        "APPCONFIG_OPERATORS",
        "MY_APPCONFIG_OPERATOR_WORKER",
        "AWS_REGION",
    ],
)
def test_variables_that_pass(name: str) -> None:
    check_variables(dict.fromkeys([name], "x"), VARIABLES)


def test_the_first_mistake_is_reported() -> None:
    with pytest.raises(SettingsError, match="APPCONFIG_OPERATOR_A:"):
        check_variables(dict.fromkeys(["APPCONFIG_OPERATOR_Z", "APPCONFIG_OPERATOR_A"], "x"), VARIABLES)


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_APPCONFIGDATA"])
@pytest.mark.parametrize(
    "value", ["foo", "foo:443", "https:/foo", "ftp://foo", "https://", "https:///foo", "https:// foo"]
)
def test_an_endpoint_that_is_not_a_url(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^environment variable {name} is not a URL"):
        check_aws_variables({name: value})


def test_aws_variables_that_pass(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").touch()
    endpoints = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ENDPOINT_URL_STS": " HTTPS://sts.example/x"}
    check_aws_variables({**endpoints, "AWS_ENDPOINT_URL_S3": "minio:9000", "AWS_CA_BUNDLE": str(tmp_path / "ca.crt")})
    check_aws_variables({"AWS_CA_BUNDLE": "", "AWS_ENDPOINT_URL": ""})
    check_aws_variables({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "True", "AWS_ENDPOINT_URL": "foo"})


def test_a_ca_bundle_that_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"AWS_CA_BUNDLE: the file .* does not exist or cannot be read"):
        check_aws_variables({"AWS_CA_BUNDLE": str(tmp_path)})


@pytest.mark.parametrize("name", ["a", "0", "shop", "team-1", "a" * 63, "a--b"])
def test_namespaces(name: str) -> None:
    assert Settings(namespaces=("default", name)).namespaces == ("default", name)


@pytest.mark.parametrize(
    "name",
    ["", " ", "Shop", "-a", "a-", "a.b", "a_b", "a*", "!a", "a,b", "a" * 64, "a\n", "ä", "shop/checkout"],
    ids=repr,
)
def test_names_that_are_not_namespaces(name: str) -> None:
    """Kopf would take `*`, `!` and `,` for a pattern."""
    with pytest.raises(SettingsError) as error:
        Settings(namespaces=("default", name))
    assert str(error.value) == f"--namespace: {name!r} is not the name of a namespace"


def test_defaults() -> None:
    assert Settings() == Settings(namespaces=(), workers=10)


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_variable_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="APPCONFIG_OPERATOR_NAMESPACE is empty"):
        check_variables({"APPCONFIG_OPERATOR_NAMESPACE": value}, VARIABLES)
