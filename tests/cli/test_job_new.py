"""`gateway job new` by options and by its eight steps, and `gateway job save`."""

import os
import pty
import select
import subprocess
import sys
import termios
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.conftest import Site

_LIMIT_S = 100.0


def file_of(shops: Site, name: str) -> Path:
    return shops.root / "conf" / "jobs.d" / f"{name}.toml"


def test_options_alone_make_a_job_that_is_as_said(shops: Site) -> None:
    words = "--description lists --to north --group north=shop1,shop3 --path in --repeat weekly --every 2 --day Mo"
    more = "--day Th --at 22:00 --start 2099-12-01 --priority 7 --profile careful --deadline 10h --require 50%"
    ran = shops.run(
        "job", "new", "prices", "--source", "prices", *words.split(), *more.split(), "--after-all", "/bin/true x"
    )
    assert ran.code == 0, ran
    assert "it starts at 2099-12-03 22:00; `gateway serve` must run then" in ran.out
    made = tomllib.loads(file_of(shops, "prices").read_text())
    assert made["destinations"] == [{"group": "north", "path": "in"}]
    assert made["groups"] == {"north": {"endpoints": ["shop1", "shop3"]}}
    assert made["triggers"] == {"after_all": {"linux": ["/bin/true", "x"]}}
    assert (made["schedule"]["every"], made["schedule"]["days"]) == (2, ["Mo", "Th"])
    assert made["settings"] == {"priority": 7, "profile": "careful", "deadline": "10h", "require": "50%"}
    assert shops.run("job", "check", "prices").code == 0
    assert shops.run("job", "runs", "--json").json == []


def test_a_start_is_a_day_or_a_moment_as_people_write_it(shops: Site) -> None:
    one = ("--source", "prices", "--to", "shop1", "--repeat", "hourly", "--dry-run")
    for said, finish, schedule in (
        ("2099-12-01", "2099-12-31", "start = 2099-12-01\nfinish = 2099-12-31\n"),
        ("2099-12-01T06:16", "2099-12-31 12:00", "start = 2099-12-01T06:16:00\nfinish = 2099-12-31T12:00:00\n"),
    ):
        ran = shops.run("job", "new", "hours", *one, "--start", said, "--finish", finish)
        assert (ran.code, schedule in ran.out) == (0, True), ran
    ran = shops.run("job", "new", "hours", *one, "--start", "tomorrow")
    assert (ran.code, "tomorrow" in ran.err, "TOML" in ran.err) == (2, True, False), ran


def test_saving_starts_a_job_that_is_neither_manual_nor_in_the_future(shops: Site) -> None:
    one = ("--source", "prices", "--to", "shop1")
    ran = shops.run("job", "new", "often", *one, "--repeat", "hourly")
    assert (ran.code, "often is saved, and started: run 1" in ran.out) == (0, True)
    assert (shops.root / "shop1" / "a.csv").exists()
    ran = shops.run("job", "new", "byhand", "--source", "prices", "--to", "shop2")
    assert (ran.code, ran.out) == (0, "byhand is saved; gateway job start byhand starts it\n")
    ran = shops.run("job", "new", "held", "--source", "prices", "--to", "shop3", "--repeat", "daily", "--no-start")
    assert "held is saved and held" in ran.out
    assert len(shops.run("job", "runs", "--json").json) == 1
    assert shops.run("job", "save", "held", "--json").json["run"] == 2


def test_what_cannot_be_is_refused_and_leaves_no_file(shops: Site) -> None:
    def refused(*words: str) -> str:
        ran = shops.run("job", "new", *words)
        assert ran.code == 2, ran
        return ran.err

    assert "no group or endpoint 'shop'; did you mean" in refused("bad", "--source", "prices", "--to", "shop")
    twice = refused("bad", "--source", "prices", "--to", "pair", "--to", "shop1:other")
    assert "shop1 is reached by endpoint shop1 and by group pair" in twice
    assert "needs its days" in refused("bad", "--source", "prices", "--to", "shop1", "--repeat", "weekly")
    assert "is no name for a job" in refused("7", "--source", "prices", "--to", "shop1")
    assert "give at least --source FOLDER and --to" in refused("bad", "--source", "prices")
    assert "SYSTEM may not run /bin/ls" in refused(
        "bad", "--source", "prices", "--to", "shop1", "--after-all", "/bin/ls"
    )
    assert list(file_of(shops, "x").parent.iterdir()) == []
    shops.job("prices")
    assert "there is a job 'prices' already" in refused("prices", "--source", "prices", "--to", "shop1")


def test_what_is_wrong_is_called_as_it_was_said(shops: Site) -> None:
    def refused(*words: str) -> str:
        ran = shops.run("job", "new", "bad", "--source", "prices", *words)
        assert ran.code == 2, ran
        assert "gateway.toml:1" not in ran.err, "nothing of it stands there"
        return ran.err

    said = refused("--to", "pair", "--to", "shop1:other")
    assert "bad: --to shop1:other: shop1 is reached by endpoint shop1 and by group pair (--to pair), to " in said
    assert "bad: --after-all '/bin/ls -l': SYSTEM may not run /bin/ls" in refused(
        "--to", "shop1", "--after-all", "/bin/ls -l"
    )
    assert "--after-endpoint 'echo \"x': SYSTEM: the quote at " in refused(
        "--to", "shop1", "--after-endpoint", 'echo "x'
    )
    assert "bad: --to shop1:{nope}: destinations: '{nope}' asks for the tag 'nope'" in refused("--to", "shop1:{nope}")
    assert "bad: --at 25:00: '25:00' is no time of day" in refused(
        "--to", "shop1", "--repeat", "daily", "--at", "25:00"
    )
    assert "bad: --deadline soon: 'soon' is no deadline" in refused("--to", "shop1", "--deadline", "soon")
    assert "bad: --profile gold: there is no profile 'gold'" in refused("--to", "shop1", "--profile", "gold")
    assert "bad: --to shop1:x/%name%: " in refused("--to", "shop1:x/%name%")
    assert "--at means nothing for a job that is started by hand" in refused("--to", "shop1", "--at", "22:00")


def test_a_remote_source_that_is_its_own_destination_is_called_as_it_was_said(shops: Site) -> None:
    ran = shops.run("job", "new", "bad", "--source", "shop1:out", "--to", "shop1")
    assert ran.code == 2
    assert "bad: --to shop1: shop1 is the source (--source shop1:out) and, by endpoint shop1, a destination" in ran.err


def test_a_dry_run_prints_the_file_and_writes_none(shops: Site) -> None:
    ran = shops.run("job", "new", "--source", "prices", "--to", "pair:in", "--dry-run")
    assert tomllib.loads(ran.out) == {
        "source": {"path": "prices"},
        "destinations": [{"group": "pair", "path": "in"}],
    }
    assert list(file_of(shops, "x").parent.iterdir()) == []


def test_a_schedule_whose_times_are_over_is_told_to_start_nothing(shops: Site) -> None:
    words = ("--source", "prices", "--to", "shop1", "--repeat", "daily", "--finish", "2020-01-01")
    ran = shops.run("job", "new", "over", *words)
    assert (ran.code, ran.out) == (
        0,
        "over is saved; no time of its schedule is left; gateway job start over starts it\n",
    )


class Terminal:
    """The other end of a terminal."""

    def __init__(self, file: int) -> None:
        self._file = file
        self.seen = ""

    def look(self) -> str:
        """What was printed and not yet asked for; waits a little for more."""
        ready, _, _ = select.select([self._file], [], [], 0.2)
        if ready:
            self.seen += os.read(self._file, 65_536).decode()
        return self.seen

    def until(self, text: str) -> str:
        """What was printed since the last time, up to `text`."""
        end_s = time.monotonic() + _LIMIT_S
        while text not in self.seen:
            self.look()
            assert time.monotonic() < end_s, self.seen
        before, _, self.seen = self.seen.partition(text)
        return before

    def say(self, question: str, answer: str = "") -> str:
        shown = self.until(question)
        os.write(self._file, f"{answer}\n".encode())
        return shown


@contextmanager
def on_terminal(*words: str, columns: int = 0) -> Iterator[tuple[Terminal, "subprocess.Popen[bytes]"]]:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    command = [sys.executable, "-m", "gateway.cli.main", *words]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "dumb"}
    ) as child:
        os.close(theirs)
        try:
            yield Terminal(ours), child
        finally:
            child.kill()
            os.close(ours)


def test_the_eight_steps_make_a_job_with_a_way_back_and_a_group_on_the_way(shops: Site) -> None:
    with on_terminal("job", "new") as (terminal, child):
        terminal.say("What is made")
        terminal.say("Name [job1]: ", "prices")
        terminal.say("Description: ", "price lists")
        terminal.say("Hash")
        terminal.say("Source [here]: ", "<")  # back to the name, which stays
        terminal.say("Name [prices]: ")
        terminal.say("Description [price lists]: ")
        terminal.say("Hash")
        terminal.say("Source [here]: ")
        terminal.say("Folder: ", "nowhere")
        assert "does not exist; make it first" in terminal.say("Folder: ", "prices")
        terminal.say("Groups and endpoints: ", "new")
        terminal.say("Name of the group: ", "north")
        terminal.say("Its endpoints: ", "shop1 shopx")
        assert "there is no endpoint 'shopx'" in terminal.say("Its endpoints: ", "shop1 shop3")
        terminal.say("Groups and endpoints [north]: ")
        terminal.say("Folder at the destinations: ", "{country}")
        assert "asks for the tag 'country'" in terminal.say("Groups and endpoints [north]: ")
        terminal.say("Folder at the destinations [{country}]: ", "in/{kind}")
        terminal.say("before_indexing on linux: ")
        terminal.say("after_endpoint on linux: ", "/bin/true done")
        terminal.say("At this time of the endpoint's clock: ")
        terminal.say("after_all on linux: ")
        terminal.say("Repeat", "daily")
        terminal.say("Every how many days [1]: ")
        terminal.say("At [00:00]: ", "25:00")
        terminal.say("At [00:00]: ", "22:00")
        terminal.say("First day [-]: ")
        terminal.say("Last day [-]: ")
        terminal.say("Priority, 9 first [5]: ", "8")
        terminal.say("Profile (careful, none) [none]: ", "careful")
        shown = terminal.say("Save (start, hold, cancel) [start]: ", "hold")
        assert 'path = "in/{kind}"' in shown
        assert "2 destinations; schedule: " in shown
        assert "conf/jobs.d/prices.toml.example of the project shows every key" in shown
        assert "Saving STARTS the job at once" in shown
        terminal.until("prices is saved and held")
        assert child.wait(_LIMIT_S) == 0
    made = tomllib.loads(file_of(shops, "prices").read_text())
    assert made["description"] == "price lists"
    assert made["destinations"] == [{"group": "north", "path": "in/{kind}"}]
    assert made["triggers"] == {"after_endpoint": {"linux": ["/bin/true", "done"]}}
    assert made["settings"] == {"priority": 8, "profile": "careful"}
    ran = shops.run("job", "start", "prices")
    assert ran.code == 0, ran
    assert (shops.root / "shop3" / "in" / "shop" / "b.csv").exists()


def test_the_review_says_which_step_is_to_be_answered_otherwise(shops: Site) -> None:
    with on_terminal("job", "new", "bad", "--source", "prices", columns=72) as (terminal, _):
        questions = ("What is made", "Name [bad]: ", "Description: ", "Hash", "Source [here]: ")
        lines = [line for one in questions for line in terminal.say(one).splitlines()]
        terminal.say("Folder")
        terminal.say("Groups and endpoints: ", "shop1")
        terminal.say("Folder at the destinations: ")
        terminal.say("before_indexing on linux: ", "make-prices")
        for question in ("after_endpoint on linux: ", "after_all on linux: ", "Repeat", "Priority", "Profile"):
            terminal.say(question)
        told = terminal.until("Which step is to be answered otherwise").partition("it can't run: ")[2]
        assert "step 5 (Commands): SYSTEM: 'make-prices' is not an absolute path" in " ".join(told.split())
        assert [line for line in (*lines, *told.splitlines()) if len(line) > 72] == []
        terminal.until(" [5]: ")


def test_cancelled_questions_leave_no_trace(shops: Site) -> None:
    with on_terminal("job", "new", "prices") as (terminal, child):
        terminal.say("What is made")
        terminal.until("Name [prices]: ")
        os.write(terminal._file, b"\x04")
        terminal.until("cancelled; nothing was written")
        assert child.wait(_LIMIT_S) == 130
    assert list(file_of(shops, "x").parent.iterdir()) == []


def test_a_day_that_is_none_is_told_in_plain_words_and_times_that_are_over_start_nothing(shops: Site) -> None:
    with on_terminal("job", "new") as (terminal, child):
        for question, answer in (("What is made", ""), ("Name [job1]: ", "over"), ("Description: ", ""), ("Hash", "")):
            terminal.say(question, answer)
        for question, answer in (("Source [here]: ", ""), ("Folder: ", "prices"), ("Groups and endpoints: ", "shop1")):
            terminal.say(question, answer)
        for question in ("Folder at the destinations: ", "before_indexing on", "after_endpoint on", "after_all on"):
            terminal.say(question)
        terminal.say("Repeat (", "weekly")
        terminal.say("Every how many weeks [1]: ")
        terminal.say("Days: ", "Mo Xx")
        said = terminal.say("Days: ", "Mo")
        assert "'Xx' is no day of the week; write Mo, Tu" in said
        assert "validation error" not in said
        for question, answer in (("At [00:00]: ", ""), ("First day [-]: ", ""), ("Last day [-]: ", "2020-01-01")):
            terminal.say(question, answer)
        terminal.say("Priority")
        terminal.say("Profile")
        said = terminal.say("Save (", "y")
        assert "no time of its schedule is left: it starts with gateway job start over" in said
        assert "1 destination; schedule: " in said
        assert child.wait(_LIMIT_S) == 0
