"""A text as one word of a command line that a person copies into a shell."""

import shlex

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", "'": "\\'"}


def shell_word(text: str) -> str:
    """`a.csv`, `'a b.csv'`; with signs that no terminal prints as bash, ksh and zsh read them: `$'a\\nb.csv'`.

    Bytes that are no UTF-8 (surrogates, as `os.fsdecode` makes them) are written as the bytes that they are.
    """
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(_escaped(sign) for sign in text) + "'"


def _escaped(sign: str) -> str:
    if sign in _SHORT:
        return _SHORT[sign]
    if sign.isprintable():
        return sign
    return "".join(f"\\{byte:03o}" for byte in sign.encode("utf-8", "surrogateescape"))
