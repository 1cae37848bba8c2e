"""The notice: files made before say the same words."""

from __future__ import annotations

from corecore.base.notice import NOTICE, NOTICE_CAPTION, NOTICE_IN_LINE, NOTICE_SHORT


def test_the_words_stay_as_files_hold_them() -> None:
    assert NOTICE == "For research and for review by a surgeon. Not a medical device."
    assert NOTICE_IN_LINE == "not a medical device; for research and review by a surgeon"
    assert NOTICE_IN_LINE.startswith(f"{NOTICE_SHORT};")
    assert NOTICE_CAPTION == "Not a medical device — for research and review by a surgeon"
