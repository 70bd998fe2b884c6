"""Reads the configuration: files, templates, environment, schema, references; every finding at once, with its place."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from gateway.config.checks import Checker
from gateway.config.environment import apply_environment
from gateway.config.explain import explain
from gateway.config.files import read_files
from gateway.config.find import SYSTEM, SYSTEM_STATE, find_config
from gateway.config.findings import REFERENCE, SYNTAX, UNREADABLE, ConfigError, has_errors
from gateway.config.lines import KeyPath
from gateway.config.loaded import ActionFiles, Loaded, resolve
from gateway.config.prune import without
from gateway.config.schema import Config, EndpointSettings
from gateway.config.templates import resolve_templates, with_name
from gateway.core.model import Finding, Span

__all__ = ["ActionFiles", "ConfigError", "Loaded", "load"]

# A table whose keys are taken out may be refused as a whole next, and then goes itself.
_PRUNINGS = 4

_UNREAD = (SYNTAX, UNREADABLE)
"""A file with such a finding says nothing; it is the first to be told."""


def load(
    path: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    left_out: Mapping[Path, Finding] = MappingProxyType({}),
) -> Loaded:
    """Read the configuration at `path`, or where DESIGN §7 looks for it; files that are `left_out` as if not there.

    Raises ConfigError with every finding if one of them is an error; warnings alone stay in `Loaded.findings`.
    """
    main = find_config(path, environment)
    read = read_files(main, left_out)
    tree, spans = read.tree, dict(read.spans)
    findings = [*read.findings, *apply_environment(tree, spans, environment)]
    resolved = resolve_templates(tree, spans, str(main))
    findings += resolved.findings
    config, problems = _validated({**tree, "endpoints": resolved.endpoints}, spans, resolved.origin, str(main))
    findings += problems
    is_whole = not any(finding.code in _UNREAD for finding in findings)
    if not is_whole:  # what others refer to may stand in what can't be read
        findings = [finding for finding in findings if finding.code != REFERENCE]
    if config is None:
        raise ConfigError(_sorted(findings))
    root = resolve(main.absolute().parent, config.gateway.root)
    state = resolve(root, state_of(main, config))
    checker = Checker(config, spans, str(main))
    if is_whole:
        findings += checker.names() if has_errors(findings) else checker.all(state)
    if has_errors(findings):
        raise ConfigError(_sorted(findings))
    return Loaded(
        config=config,
        path=main,
        files=read.files,
        root=root,
        state=state,
        action_folders=tuple(dict.fromkeys(resolve(root, folder) for folder in config.gateway.actions)),
        findings=_sorted(findings),
        spans=spans,
        left_out=left_out,
    )


def state_of(main: Path, config: Config) -> str:
    """The state folder as it is configured, or is usual for this file."""
    is_said = "state" in config.gateway.model_fields_set
    return config.gateway.state if is_said or main.absolute() != SYSTEM else SYSTEM_STATE


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: (finding.code not in _UNREAD, finding.place)))


def _validated(
    tree: dict[str, Any], spans: Mapping[KeyPath, Span], origin: Mapping[KeyPath, KeyPath], file: str
) -> tuple[Config | None, tuple[Finding, ...]]:
    """The typed configuration, None if there is none; templates that nobody uses are checked, too."""
    problems = _template_problems(tree, spans, file)
    reported = {finding.span for finding in problems}
    try:
        return Config.model_validate(tree), problems
    except ValidationError as problem:
        found = explain(problem, spans, origin, file)
        others = tuple(finding for finding in found if finding.span not in reported)
        return None, (*problems, *others, *_names_in_the_rest(tree, problem, spans, file))


def _names_in_the_rest(
    tree: dict[str, Any], problem: ValidationError, spans: Mapping[KeyPath, Span], file: str
) -> tuple[Finding, ...]:
    """Wrong references in what is left without the refused keys, so that they are reported in the same pass."""
    for _ in range(_PRUNINGS):
        tree = without(tree, [detail["loc"] for detail in problem.errors()])
        try:
            return tuple(Checker(Config.model_validate(tree), spans, file).names())
        except ValidationError as next_problem:
            problem = next_problem
    return ()


def _template_problems(tree: Mapping[str, Any], spans: Mapping[KeyPath, Span], file: str) -> tuple[Finding, ...]:
    templates = tree.get("templates")
    found: list[Finding] = []
    for name, table in templates.items() if isinstance(templates, dict) else ():
        if isinstance(table, dict):
            try:
                EndpointSettings.model_validate({"url": "file:///", **with_name(table, name)})
            except ValidationError as problem:
                found += explain(problem, spans, {}, file, at=("templates", name))
    return tuple(found)
