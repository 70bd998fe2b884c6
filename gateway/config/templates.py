"""`like = "shop"`: an endpoint takes the keys of a template that it does not say itself.

In a template's texts `%endpoint%` stands for the endpoint's name, so that one template serves many.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.config.findings import REFERENCE, error, section, span_of, suggestion
from gateway.config.lines import KeyPath
from gateway.core.model import Finding, Span

NAME_MACRO = "%endpoint%"


@dataclass(frozen=True, slots=True)
class Resolved:
    """Endpoints with their templates' keys in them; `origin` says where a key that is not their own stands."""

    endpoints: Mapping[str, Any]
    origin: Mapping[KeyPath, KeyPath]
    findings: tuple[Finding, ...]


def resolve_templates(tree: Mapping[str, Any], spans: Mapping[KeyPath, Span], file: str) -> Resolved:
    """Every endpoint of `tree` with the keys of its template."""
    templates = _tables(tree.get("templates"))
    origin: dict[KeyPath, KeyPath] = {}
    findings: list[Finding] = []
    endpoints: dict[str, Any] = {}
    for name, own in (tree.get("endpoints") or {}).items():
        endpoints[name] = own
        if isinstance(own, dict):
            chain = list(_chain(("endpoints", name), own, templates, findings, spans, file))
            endpoints[name] = _merged(name, own, chain, templates, origin)
            if own.get("like") and not chain:
                endpoints[name].setdefault("url", "file:///")  # what is missing is the template, not the URL
    return Resolved(endpoints, origin, tuple(findings))


def _tables(value: object) -> dict[str, dict[str, Any]]:
    return {name: table for name, table in value.items() if isinstance(table, dict)} if isinstance(value, dict) else {}


def _chain(
    at: KeyPath,
    table: Mapping[str, Any],
    templates: Mapping[str, Mapping[str, Any]],
    findings: list[Finding],
    spans: Mapping[KeyPath, Span],
    file: str,
) -> Iterator[str]:
    """The templates that hold for a table, nearest first."""
    seen: list[str] = []
    while isinstance(like := table.get("like"), str):
        span = span_of((*at, "like"), spans, file)
        if like not in templates:
            message = f"{section(at)}there is no template {like!r}; {suggestion(like, templates)}"
            findings.append(error(span, REFERENCE, message))
            return
        if like in seen:
            message = f"{section(at)}the templates {' -> '.join([*seen, like])} go round in a circle; break it"
            findings.append(error(span, REFERENCE, message))
            return
        seen.append(like)
        yield like
        at, table = ("templates", like), templates[like]


def _merged(
    name: str,
    own: Mapping[str, Any],
    chain: list[str],
    templates: Mapping[str, Mapping[str, Any]],
    origin: dict[KeyPath, KeyPath],
) -> dict[str, Any]:
    merged = dict(own)
    for template in chain:
        for key, value in templates[template].items():
            if key not in merged:
                merged[key] = with_name(value, name)
                origin["endpoints", name, key] = ("templates", template, key)
            elif key == "tags" and isinstance(value, dict) and isinstance(merged[key], dict):
                merged[key] = {**with_name(value, name), **merged[key]}
    return merged


def with_name(value: Any, name: str) -> Any:
    """`value` with the endpoint's name put in wherever the template asks for it."""
    if isinstance(value, str):
        return value.replace(NAME_MACRO, name)
    if isinstance(value, list):
        return [with_name(item, name) for item in value]
    if isinstance(value, dict):
        return {key: with_name(item, name) for key, item in value.items()}
    return value
