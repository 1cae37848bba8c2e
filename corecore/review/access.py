"""Who may write a review: one page of one server, as long as the plan on disk is the one on the page."""

from __future__ import annotations

import contextlib
import datetime
import getpass
import os
import socket
from dataclasses import dataclass, field
from pathlib import Path

from corecore.base.errors import CorecoreError, InputError, OutputError
from corecore.document.read import read_plan
from corecore.io.files import Hold
from corecore.review import record
from corecore.review.protocol import Permission

#: What a file's state tells of a replacement: inode, size, times of content and of inode.
State = tuple[int, int, int, int]

START_AGAIN = "Nothing can be changed, signed or saved here: close this page and start corecore review again."


@dataclass
class Access:
    """Who writes the review of a plan, and the plan's file as it was opened."""

    plan_file: Path
    plan_hash: str
    hold: Hold | None = None
    #: Why there is no hold, in words.
    held_by: str = ""
    #: The page that writes, and since when; none: whichever asks first.
    page: str | None = None
    since: str = ""
    #: Why nothing can be written any more, whoever asks.
    ended: str = ""
    _seen: State | None = field(default=None, repr=False)
    _found: str = field(default="", repr=False)

    def take_hold(self) -> bool:
        """Tries to become the one server that writes; whether it has just become that.

        A lock that was taken away holds nobody off: then it is tried anew.
        """
        if self.hold is not None and self.hold.stands():
            return False
        self.release()
        target = self.plan_file.with_name(record.NAME)
        who = f"{_user()} on {socket.gethostname()}, since {_now()} (process {os.getpid()})"
        try:
            self.hold = Hold.take(target, who)
        except OutputError as error:
            told, busy = str(error).removeprefix(f"{target}: "), error.code == "output-busy"
            self.held_by = told.removesuffix(" is writing it") if busy else ""
            self.ended = "" if busy else f"nothing can be saved here: {record.NAME} {told}"
            return False
        self.held_by = self.ended = ""
        return True

    def take_seat(self, page: str, *, away: bool = False) -> None:
        """Makes a page the one that writes, where none is; with ``away``, in place of another."""
        if self.page is None or (away and self.page != page):
            self.page, self.since = page, _now()

    def leave(self, page: str) -> None:
        """A page that is closed writes no more."""
        if self.page == page:
            self.page = None

    def release(self) -> None:
        """The server ends."""
        if self.hold is not None:
            self.hold.release()
            self.hold = None

    def replaced(self) -> str:
        """In words that the plan on disk is another one by now; empty where it is not. Read again where it changed."""
        try:
            told = os.stat(self.plan_file)
        except OSError:
            return "The plan's file is gone from the disk."
        state = (told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns)
        if state != self._seen:
            try:
                there = read_plan(self.plan_file).hash
            except CorecoreError:
                there = ""
            self._seen = state
            changed = f"It is plan {there[:8]} now." if there else "It cannot be read now."
            opened = f"The plan on disk was replaced. {changed} This page shows plan {self.plan_hash[:8]}."
            self._found = "" if there == self.plan_hash else opened
        return self._found

    def permission(self, page: str) -> Permission:
        """Whether a page may write, and if not, why."""
        gone = self.replaced()
        if gone:
            return Permission("replaced", f"{gone} {START_AGAIN}", may_take=False)
        if self.ended:
            return Permission("ended", f"{self.ended[:1].upper()}{self.ended[1:]}.", may_take=False)
        if self.hold is None:
            who = self.held_by or "another program"
            return Permission(
                "other_server", f"This review is open elsewhere: {who}. Close it there to edit here.", may_take=False
            )
        if self.page is not None and self.page != page:
            words = f"This review is being edited in another window, opened at {self.since}."
            return Permission("other_page", words, may_take=True)
        return Permission("writes", "", may_take=False)

    def check(self, page: str) -> None:
        """Raises ``InputError`` where a page may not write."""
        told = self.permission(page)
        if told.state != "writes":
            raise InputError(f"read-only: {told.words}", code="review-read-only")


def _now() -> str:
    return datetime.datetime.now().astimezone().strftime("%H:%M")


def _user() -> str:
    with contextlib.suppress(KeyError, OSError, ImportError):
        return getpass.getuser()
    return "somebody"
