"""What the schema says of a key path: whether it exists there, and which keys would."""

import types
from collections.abc import Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from gateway.config.schema import Config, EndpointSettings

ANY_NAME = "*"


def known_keys(path: Sequence[str | int]) -> tuple[str, ...]:
    """The keys that a table at `path` may hold; (`ANY_NAME`,) where names are free, empty where nothing goes deeper."""
    return _keys_of(_type_at(path))


def _type_at(path: Sequence[str | int]) -> Any:
    kind: Any = Config
    for depth, part in enumerate(path):
        is_template = depth == 1 and path[0] == "templates"
        kind = EndpointSettings if is_template else _step(kind, part)
    return kind


def _step(kind: Any, part: str | int) -> Any:
    """The type one level down, None where there is none."""
    for option in _options(kind):
        if isinstance(option, type) and issubclass(option, BaseModel):
            field = option.model_fields.get(str(part))
            return None if field is None else field.annotation
        if get_origin(option) is dict:
            return get_args(option)[1]
        if get_origin(option) is tuple and isinstance(part, int):
            return get_args(option)[0]
    return None


def _keys_of(kind: Any) -> tuple[str, ...]:
    for option in _options(kind):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return tuple(option.model_fields)
        if get_origin(option) is dict:
            return (ANY_NAME,)
    return ()


def _options(kind: Any) -> tuple[Any, ...]:
    """The alternatives of a type, its decorations taken off."""
    if get_origin(kind) is Annotated:
        return _options(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return tuple(inner for option in get_args(kind) for inner in _options(option))
    return (kind,)
