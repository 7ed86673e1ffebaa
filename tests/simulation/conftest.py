"""The scenarios' way in without a wire, which the servers on paper are held against."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "scenarios"))
