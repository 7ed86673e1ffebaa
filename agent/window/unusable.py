"""Owns the refusal of a zone, a rule or a calendar that cannot be used: what is wrong, and what to do about it."""


class Unusable(ValueError):  # noqa: N818 - a word, as the errors of the agent are
    """It cannot be used; whoever knows where it stands says so with it."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
