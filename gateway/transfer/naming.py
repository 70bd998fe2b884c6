"""Names that we give: partials, backups, claims and free names.  Pure."""

from collections.abc import Iterator

CLAIM_TEMPLATE = ".{name}.{id}.claim"
BACKUP_TEMPLATE = ".{name}.{id}.old"


def token(mark: str, delivery: int, starts: int) -> str:
    """What makes a name ours alone: the delivery, its starts from zero, and the ledger's own mark."""
    return f"{delivery}-{starts}-{mark}"


def split(path: str) -> tuple[str, str]:
    """Folder (with its `/` at the end, or empty) and name of a path."""
    folder, slash, name = path.rpartition("/")
    return folder + slash, name


def partial_path(template: str, final: str, made: str, name_bytes_max: int) -> str:
    """The name beside `final` that bytes go to first, `{name}` cut so that it fits into `name_bytes_max`.

    A template with a folder counts from the final's folder, or from the server's root if it starts with `/`.
    """
    folder, name = split(final)
    into, last = split(template)
    frame = last.replace("{id}", made)
    room = name_bytes_max - len(frame.replace("{name}", "").encode())
    whole = frame.replace("{name}", cut(name, max(room, 0)))
    return (into if into.startswith("/") else folder + into) + whole


def cut(text: str, most_bytes: int) -> str:
    """As much of the start of `text` as fits into `most_bytes` of UTF-8, whole letters only."""
    whole = text.encode("utf-8", "surrogateescape")
    return text if len(whole) <= most_bytes else whole[:most_bytes].decode("utf-8", "ignore")


def free_names(final: str, name_bytes_max: int = 255) -> Iterator[str]:
    """What -UNI tries in turn: `name.csv`, `name.1.csv`, `name.2.csv` …"""
    yield final
    folder, name = split(final)
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    number = 1
    while True:
        tail = f".{number}{dot}{extension}"
        yield folder + cut(stem, name_bytes_max - len(tail.encode())) + tail
        number += 1
