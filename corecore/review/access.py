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
from corecore.base.language import later, say
from corecore.document.read import read_plan
from corecore.io.files import Hold
from corecore.review import record
from corecore.review.protocol import Permission

#: What a file's state tells of a replacement: inode, size, times of content and of inode.
State = tuple[int, int, int, int]

START_AGAIN = later("Nothing can be changed, signed or saved here: close this page and start corecore review again.")


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
            self.ended = "" if busy else f"{record.NAME} {told}"
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
            return say("The plan's file is gone from the disk.")
        state = (told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns)
        if state != self._seen:
            try:
                there = read_plan(self.plan_file).hash
            except CorecoreError:
                there = ""
            self._seen = state
            own = self.plan_hash[:8]
            if there:
                opened = say(
                    "The plan on disk was replaced. It is plan {there} now. This page shows plan {own}.",
                    there=there[:8],
                    own=own,
                )
            else:
                opened = say(
                    "The plan on disk was replaced. It cannot be read now. This page shows plan {own}.", own=own
                )
            self._found = "" if there == self.plan_hash else opened
        return self._found

    def permission(self, page: str) -> Permission:
        """Whether a page may write, and if not, why."""
        gone = self.replaced()
        if gone:
            return Permission("replaced", f"{gone} {say(START_AGAIN)}", may_take=False)
        if self.ended:
            return Permission("ended", say("Nothing can be saved here: {reason}.", reason=self.ended), may_take=False)
        if self.hold is None:
            who = self.held_by or say("another program")
            words = say("This review is open elsewhere: {who}. Close it there to edit here.", who=who)
            return Permission("other_server", words, may_take=False)
        if self.page is not None and self.page != page:
            words = say("This review is being edited in another window, opened at {time}.", time=self.since)
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
