"""What is told to the person before the screen."""

from __future__ import annotations


class PersonError(Exception):
    """A message that says what is wrong and what would be right."""
