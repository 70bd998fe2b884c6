"""Values of parameters back to text; what `gateway.language.values` reads again."""

from datetime import timedelta

from gateway.language.nodes import Age, CodeRange, Count

_UNITS = (("D", 86400), ("H", 3600), ("M", 60), ("S", 1))
_SECONDS = dict(_UNITS)


def show_age(age: Age) -> str:
    """`>1D`, in the unit that was written."""
    side = age.side or ""
    if age.length is None:
        return f"{side}{(age.day or '').title()}"
    return f"{side}{int(age.length.total_seconds()) // _SECONDS[age.unit]}{age.unit}"


def show_count(count: Count) -> str:
    """`3` or `3-5`."""
    return f"{count.low}" if count.high is None else f"{count.low}-{count.high}"


def show_codes(codes: tuple[CodeRange, ...]) -> str:
    """`0-1,255`."""
    return ",".join(f"{each.low}" if each.low == each.high else f"{each.low}-{each.high}" for each in codes)


def show_wait(length: timedelta) -> str:
    """The largest unit that fits evenly: 90 s is `90S`, 5 min `5M`."""
    seconds = int(length.total_seconds())
    fits = ((unit, size) for unit, size in _UNITS if seconds % size == 0 and (size < 60 or seconds > size))
    unit, size = next(fits, ("S", 1))
    return f"{seconds // size}{unit}"
