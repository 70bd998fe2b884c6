"""Telling systemd how we are (sd_notify): READY, RELOADING, STOPPING, WATCHDOG; silent where nobody listens."""

import os
import socket


def notify(*lines: str) -> bool:
    """Send state lines such as `READY=1` to systemd's socket; False if there is none or it doesn't listen."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.sendto("\n".join(lines).encode(), address)
    except OSError:
        return False
    return True


def watchdog_every_s() -> float | None:
    """How often systemd wants a sign of life: half of what it allows, None if it asks for none."""
    allowed_us = os.environ.get("WATCHDOG_USEC", "")
    return int(allowed_us) / 2_000_000 if allowed_us.isdigit() and int(allowed_us) else None
