"""One run over many servers: waves one after another, each server's turn, and what stops the run before the end.

    Orders --> Campaign -- wave --> Turn: the debt of an older run first, then the server's course
                        -- wave --> Health: looked at again before the next wave begins
                        -- stop --> the rest is skipped, with the reason, for `resume` to take up

What stops a run binds the servers that have not begun. One that has is finished, or put back: also when the window has
closed over it, or too many others have failed. Who stops the run himself stops it between two steps.
"""

from agent.campaign.campaign import Campaign, campaign
from agent.campaign.debts import Heir, Inherit
from agent.campaign.orders import Orders
from agent.campaign.turn import Turn

__all__ = ["Campaign", "Heir", "Inherit", "Orders", "Turn", "campaign"]
