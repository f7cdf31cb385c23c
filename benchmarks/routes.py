"""Regions with an endpoint other than AWS_ENDPOINT_URL, through botocore's own endpoint rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_RULES = ("appconfigdata", "2021-11-11", "endpoint-rule-set-1.json")


def environment(folder: Path, urls: Mapping[str, str]) -> dict[str, str]:
    """Write the rules, and return the environment variables that make botocore prefer them to its own.

    Parameters
    ----------
    folder
        The folder for the rules.
    urls
        The URLs of AppConfig's data plane, by region. All other regions use AWS_ENDPOINT_URL.
    """
    file = folder.joinpath("routes", *_RULES)
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(rules(urls)), encoding="utf-8")
    return {"AWS_DATA_PATH": str(folder / "routes")}


def rules(urls: Mapping[str, str]) -> dict[str, object]:
    """Return the rules in botocore's format. Pure."""
    text = {"type": "string", "required": False, "documentation": ""}
    parameters = {
        "Region": {**text, "builtIn": "AWS::Region"},
        "Endpoint": {**text, "builtIn": "SDK::Endpoint"},
        "UseFIPS": _switch("AWS::UseFIPS"),
        "UseDualStack": _switch("AWS::UseDualStack"),
    }
    region, endpoint = {"ref": "Region"}, {"ref": "Endpoint"}
    found = [
        _rule(url, _condition("isSet", region), _condition("stringEquals", region, name))
        for name, url in sorted(urls.items())
    ]
    return {
        "version": "1.0",
        "parameters": parameters,
        "rules": [*found, _rule(endpoint, _condition("isSet", endpoint))],
    }


def _switch(built_in: str) -> dict[str, object]:
    return {"builtIn": built_in, "required": True, "default": False, "documentation": "", "type": "boolean"}


def _condition(function: str, *arguments: object) -> dict[str, object]:
    return {"fn": function, "argv": list(arguments)}


def _rule(url: object, *conditions: dict[str, object]) -> dict[str, object]:
    endpoint = {"url": url, "properties": {}, "headers": {}}
    return {"conditions": list(conditions), "endpoint": endpoint, "type": "endpoint"}
