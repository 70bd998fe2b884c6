"""Done files: the marker by whose presence a writer says that a file is complete (`stability done_file`)."""

import os
import re

_MACRO = re.compile(r"%(sourcefile|srcfile|sourcefilebase|sourcefileext)%", re.IGNORECASE)


class DoneFile:
    """What the marker of a file is called: the setting `done_file`, such as `%sourcefile%.done`."""

    def __init__(self, template: str) -> None:
        self._template = template
        own = re.escape(_MACRO.sub("\0", template)).replace(re.escape("\0"), ".+")
        self._is_marker = re.compile(own, re.DOTALL) if "\0" in _MACRO.sub("\0", template) else None

    @property
    def is_own(self) -> bool:
        """True if each file has a marker of its own; a name without macros stands for all files of a folder."""
        return self._is_marker is not None

    def beside(self, folder: str, name: str) -> str:
        """The path of the marker of `name` in `folder`."""
        base, dot, extension = name.rpartition(".")
        values = {
            "sourcefile": name,
            "srcfile": name,
            "sourcefilebase": base if dot else name,
            "sourcefileext": extension if dot else "",
        }
        return os.path.join(folder, _MACRO.sub(lambda found: values[found[1].lower()], self._template))

    def is_marker(self, name: str) -> bool:
        """True for a name that the template makes: a marker is never sent itself by a pattern."""
        return self._is_marker is not None and self._is_marker.fullmatch(name) is not None
