"""The form of schedules: what is shown before it is saved is what is saved."""

from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.cli.schedulers_form import Draft
from gateway.config.channels import CronSettings
from tests.channels.making import TIMES


def test_a_cron_frequency_is_saved_with_the_minute_that_was_shown_however_long_the_other_fields_take() -> None:
    now = datetime.fromisoformat("2026-11-22T10:20:30.5Z")
    draft = Draft({}, TIMES, ZoneInfo("Europe/Vienna")).with_answer("cron", CronSettings(every=2), now)
    answer = draft.answers["cron"]
    assert isinstance(answer, CronSettings)
    assert str(answer.set_at) == "2026-11-22 11:20:30+01:00"
    assert draft.times.cron.value.set_at == answer.set_at
