"""Which profile holds for whom: the destination's own wins, the job's fills in, `default` comes last."""

from collections.abc import Mapping, Sequence

from gateway.config.jobs import ProfileSettings
from gateway.jobs.model import AfterSuccess, Profile

DEFAULT = "default"


def profile_of(names: Sequence[str | None], profiles: Mapping[str, ProfileSettings]) -> Profile:
    """Key by key: the first of `names` (strongest first) that says it, then `default`, then what is built in.

    Names that stand for nothing are left out: the configuration reports them.
    """
    chain = [name for name in dict.fromkeys((*names, DEFAULT)) if name is not None and name in profiles]
    said: dict[str, object] = {}
    for name in chain:
        for key in profiles[name].model_fields_set:
            said.setdefault(key, getattr(profiles[name], key))
    merged = ProfileSettings.model_construct(**{**_BUILT_IN, **said})
    return Profile(
        names=tuple(chain),
        delete_absent=merged.delete_absent,
        delete_limit=merged.delete_limit,
        archive=merged.archive,
        ignore=merged.ignore,
        bandwidth=merged.bandwidth,
        after_success=AfterSuccess(merged.after_success),
        abort_on=merged.abort_on,
    )


_BUILT_IN = {name: getattr(ProfileSettings(), name) for name in ProfileSettings.model_fields}
