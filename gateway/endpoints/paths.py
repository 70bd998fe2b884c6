"""Remote paths: text with `/` between the parts; pure."""


def join(folder: str, name: str) -> str:
    """The path of `name` in `folder`; an empty folder is the endpoint's own."""
    if folder in ("", "."):
        return name
    return folder + name if folder.endswith("/") else f"{folder}/{name}"


def parent(path: str) -> str:
    """The folder that `path` stands in; "" for the endpoint's own, "/" for the root."""
    head, slash, _ = path.rstrip("/").rpartition("/")
    return head or slash


def resolve(base: str, path: str) -> str:
    """`path` as seen from the folder `base`: `/…` counts from the root, `~` and `~/…` from the login folder.

    The answer starts with `/`, or is relative to the login folder (`.` for itself).
    """
    whole = path if path.startswith("/") or _at_home(path) else join(base, path)
    if _at_home(whole):
        whole = whole[1:].lstrip("/")
    if len(whole) > 1:
        whole = whole.rstrip("/") or "/"
    return whole or "."


def _at_home(path: str) -> bool:
    return path == "~" or path.startswith("~/")
