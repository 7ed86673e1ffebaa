"""Change windows and blackouts: when servers may be changed. Pure functions of `now`; nothing here reads a clock.

    days or rule, opens, duration, zone --> Window  --.
                                                       >--> Windows.at(now) --> Standing
    calendar file (.ics), or one Blackout -> Calendar --'

How time is counted (docs/windows.md says the same to the operator):
    - A window opens by the clock of its zone, and lasts as long as its minutes really take.
    - An opening time that the clock skips counts as if the clock had not been put forward (02:30 is 03:30); one that
      comes twice opens at the first (RFC 5545, 3.3.5).
    - Windows that overlap or touch are one. A blackout closes every window for as long as it lasts.
    - Every span holds its beginning, and not its end.
"""

from agent.window.blackout import Blackout
from agent.window.calendars import Calendar, Dark, read_calendar
from agent.window.opening import Opening, Window
from agent.window.rules import Rule
from agent.window.standing import SIGHT, Standing, span, words_of_opening
from agent.window.unusable import Unusable
from agent.window.windows import Windows
from agent.window.zones import zone

__all__ = [
    "SIGHT",
    "Blackout",
    "Calendar",
    "Dark",
    "Opening",
    "Rule",
    "Standing",
    "Unusable",
    "Window",
    "Windows",
    "read_calendar",
    "span",
    "words_of_opening",
    "zone",
]
