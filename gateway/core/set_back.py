"""A wall clock that is behind what was done by it: it was set back, or was wrong before.  Pure."""

from datetime import datetime, timedelta

AT_MOST = timedelta(days=1)
"""A clock that is set back by more was wrong before: what was done ahead of time by it does not count."""


def counts_anew(done: datetime, now: datetime, interval: timedelta | None = None) -> bool:
    """True if what was `done` for a time that `now` has not reached is to be forgotten; times then count from `now`.

    Of what comes every `interval` one of them is enough: it goes by elapsed time, and else would not come again until
    it is as late as before.
    """
    return done - now > min(interval or AT_MOST, AT_MOST)
