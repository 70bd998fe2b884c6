"""What a person should know of an action beside its line in `gateway status`: what waits, what is on its way."""

from collections.abc import Iterator

from gateway.cli.output import show_files, show_value
from gateway.cli.sending_text import amount
from gateway.core.shell_word import shell_word
from gateway.core.units import show_size
from gateway.service.action_state import ActionState
from gateway.service.state import GatewayState

WHY_AT_MOST = 120
"""So much of a reason stands in the table; a longer one is told whole below it."""

_LONG_TOLD = ("broken", "refused", "failed")
_FILES_AT_MOST = 5


def people_lines(state: GatewayState) -> Iterator[str]:
    """A block for each action that somebody should look at, or that sends right now."""
    for one in state.actions:
        said = [one.told.why] if len(one.told.why) > WHY_AT_MOST and one.told.word in _LONG_TOLD else []
        said += [
            f"{show_value(each.row.name)}: {amount(each, state.now, state.zone)}"
            for each in one.sending[:_FILES_AT_MOST]
        ]
        said += _left(one)
        if one.parked:
            said.append(_parked(one))
        told = {stuck.row.state for stuck in one.stuck}
        for word, count in one.unsettled.items():
            if word in told:
                continue
            history = f"`gateway history --action {one.told.name} --state {word}`"
            said.append(f"{show_files(count)} {word.replace('_', ' ')}: {history}")
        if one.failed_reactions:
            said.append(f"{one.failed_reactions} reaction{'' if one.failed_reactions == 1 else 's'} failed")
        if said:
            yield ""
            yield f"{one.told.name}:"
            yield from (f"  {line}" for line in said)


def _left(one: ActionState) -> Iterator[str]:
    """What a run left that was cut off, and what nobody could go on with since."""
    if one.cut_off and one.last_run is not None:
        yield (
            f"run {one.last_run.id} was cut off: killed, or the machine went down; "
            f"`gateway run {one.told.name}` goes on with it, or `gateway serve`"
        )
    for stuck in one.stuck[:_FILES_AT_MOST]:
        row = stuck.row
        if one.cut_off:
            yield f"{show_value(row.name)} ({show_size(row.intent.stamp.size_bytes)}): delivery {row.id} is not over"
        else:
            yield show_value(str(stuck))
            yield f"  {stuck.remedy}"
    if len(one.stuck) > _FILES_AT_MOST:
        yield f"and {show_files(len(one.stuck) - _FILES_AT_MOST)} more: `gateway history --action {one.told.name}`"


def _parked(one: ActionState) -> str:
    """One of the files, and the command that says why it waits: a list of deliveries may hold none of it."""
    file = shell_word(one.parked_file or "")
    more = f"; all that failed: `gateway history --action {one.told.name} --state parked`" if one.parked > 1 else ""
    return f"{show_files(one.parked)} parked: `gateway why {file}` shows why, and what to do{more}"
