"""Loads requests without what it guesses the encoding of a text by: WinRM's texts are UTF-8.

The guesser is larger than requests itself (3 MB, 8 ms), and requests takes UTF-8 where there is none
(requests.models.Response.apparent_encoding). Only its warning must not reach an operator.
"""

from __future__ import annotations

import warnings

from agent.lean import without

warnings.filterwarnings("ignore", message="Unable to find acceptable character detection dependency")

with without("chardet", "charset_normalizer"):
    import requests  # noqa: F401 - loaded here, used by others
