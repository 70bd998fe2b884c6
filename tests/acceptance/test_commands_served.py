"""Each kind of action in one serving gateway, at work side by side."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.ledger.delivery_row import State
from tests.acceptance.harness import Gateway, gateway_in, until
from tests.peers.openssh import SshPeer
from tests.peers.vsftpd import FtpPeer

REQUEST, ANSWER = b"what does it cost?\n", b"42\n"


@pytest.fixture(scope="module")
def far(sshd: SshPeer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the partner has: a folder each for what comes, what goes, and for shops."""
    folder = sshd.folder / tmp_path_factory.mktemp("far").name
    for name in ("pick_up", "questions", "answers", "shop1", "shop2"):
        (folder / name).mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def served(
    sshd: SshPeer, plain_vsftpd: FtpPeer, far: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    with gateway_in(tmp_path_factory.mktemp("served")) as gateway:
        _configure(gateway, sshd, plain_vsftpd, far)
        gateway.start()
        _drop(gateway, far, plain_vsftpd)
        ended = threading.Event()
        partner = threading.Thread(target=_answer, args=(far, ended))
        partner.start()
        yield gateway
        ended.set()
        partner.join()
        assert gateway.stop() == 0


def _configure(gateway: Gateway, sshd: SshPeer, ftpd: FtpPeer, far: Path) -> None:
    gateway.sftp("partner", sshd, far)
    gateway.ftp("lists", ftpd, f"{ftpd.path}/{far.name}")
    for shop in ("shop1", "shop2"):
        gateway.sftp(shop, sshd, far / shop, tags={"kind": "shop"})
    gateway.set("groups.shops", tags={"kind": "shop"})
    gateway.action("fetch", "@endpoint partner\n@schedule every 1s\n\nGET -DEL pick_up/*.csv\n")
    gateway.action("fetch_lists", "@endpoint lists\n@schedule every 1s\n\nGET -DEL *.csv\n")
    gateway.polled("ask", "partner", "PUT+GET -DEL *.ask questions/ answers/%sourcefilebase%.txt Wait=30S")
    gateway.polled("prices", "shops", "PUT -DEL *.prices")
    for name, command, headers in (
        ("copy", "LCOPY -DEL copies/in/*.pdf copies/out/", ""),
        ("tidy", "CHECK -FIL tidy/new/* Age=>2S", "@on_check_met $LCOPY -DEL %file% tidy/old/\n"),
        (
            "told",
            "LCOPY -DEL told/in/* told/out/",
            "@on_copy $LCOPY told/text told/%sourcefile%.receipt\n",
        ),
    ):
        gateway.action(name, f"@schedule on file polling continuously\n{headers}\n{command}\n")


def _drop(gateway: Gateway, far: Path, ftpd: FtpPeer) -> None:
    lists = ftpd.folder / far.name
    lists.mkdir()
    for path, data in (
        (far / "pick_up" / "offer.csv", b"offer"),
        (lists / "list.csv", b"list"),
        (gateway.outbox("partner") / "question.ask", REQUEST),
        (gateway.outbox("shop1") / "one.prices", b"one"),
        (gateway.outbox("shop2") / "two.prices", b"two"),
        (gateway.folder / "copies" / "in" / "paper.pdf", b"paper"),
        (gateway.folder / "tidy" / "new" / "forgotten", b"forgotten"),
        (gateway.folder / "told" / "text", b"received"),
        (gateway.folder / "told" / "in" / "news", b"news"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _answer(far: Path, ended: threading.Event) -> None:
    """The partner: takes a question, writes the answer under another name first."""
    while not ended.wait(0.1):
        for question in (far / "questions").glob("*.ask"):
            assert question.read_bytes() == REQUEST
            question.unlink()
            (far / "answers" / ".writing").write_bytes(ANSWER)
            (far / "answers" / ".writing").rename(far / "answers" / f"{question.stem}.txt")


def test_get_collects_from_sshd_and_removes_there(served: Gateway, far: Path) -> None:
    served.arrived(served.inbox("partner") / "offer.csv", b"offer")
    until((lambda: not (far / "pick_up" / "offer.csv").exists()), served.told)


def test_get_collects_from_vsftpd_and_removes_there(served: Gateway, far: Path, plain_vsftpd: FtpPeer) -> None:
    served.arrived(served.inbox("lists") / "list.csv", b"list")
    until((lambda: not (plain_vsftpd.folder / far.name / "list.csv").exists()), served.told)


def test_put_get_sends_a_request_and_fetches_its_answer(served: Gateway) -> None:
    served.arrived(served.inbox("partner") / "question.txt", ANSWER)
    served.finished(served.outbox("partner") / "question.ask")


def test_a_group_has_an_instance_for_each_endpoint(served: Gateway, far: Path) -> None:
    served.arrived(far / "shop1" / "one.prices", b"one")
    served.arrived(far / "shop2" / "two.prices", b"two")
    until(
        lambda: (
            {row.intent.action for row in served.deliveries(action="prices", state=State.DONE)}
            == {"prices@shop1", "prices@shop2"}
        ),
        served.told,
    )


def test_lcopy_hands_over_between_local_folders(served: Gateway) -> None:
    served.arrived(served.folder / "copies" / "out" / "paper.pdf", b"paper")
    served.finished(served.folder / "copies" / "in" / "paper.pdf")


def test_check_moves_a_file_away_once_it_is_old_enough(served: Gateway) -> None:
    served.arrived(served.folder / "tidy" / "old" / "forgotten", b"forgotten")
    until((lambda: not (served.folder / "tidy" / "new" / "forgotten").exists()), served.told)


def test_check_sees_a_folder_that_was_made_again(served: Gateway) -> None:
    until((lambda: not (served.folder / "tidy" / "new" / "forgotten").exists()), served.told)
    (served.folder / "tidy" / "new").rmdir()
    (served.folder / "tidy" / "new").mkdir()
    (served.folder / "tidy" / "new" / "again").write_bytes(b"again")
    served.arrived(served.folder / "tidy" / "old" / "again", b"again")


def test_a_reaction_follows_the_copy(served: Gateway) -> None:
    served.arrived(served.folder / "told" / "news.receipt", b"received")
