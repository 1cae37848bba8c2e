"""What corecore is not, as it is printed: one statement in the forms that files and pages hold."""

from __future__ import annotations

from corecore.base.language import later, say, translation_note

NOT_A_DEVICE = "Not a medical device"
_FOR_WHOM = "for research and review by a surgeon"
#: In JSON, tables and pages of figures.
NOTICE = f"For research and for review by a surgeon. {NOT_A_DEVICE}."
#: At the end of a line of other particulars; in the least room the first words alone.
NOTICE_IN_LINE = f"{NOT_A_DEVICE.lower()}; {_FOR_WHOM}"
NOTICE_SHORT = NOT_A_DEVICE.lower()
#: Under a picture or a report's page.
NOTICE_CAPTION = later("Not a medical device — for research and review by a surgeon")


def notice_caption() -> str:
    """The notice of a page in the language spoken, and that nobody has reviewed that language."""
    note = translation_note()
    return say(NOTICE_CAPTION) + (f" · {note}" if note else "")
