"""python3 -m judge.checker FOLDER: judges a run that was recorded before."""

import sys

from ..record import Record
from . import check, counts

record = Record.load(sys.argv[1])
print(counts(record))
found = check(record)
print("\n".join(found) or "both promises hold")
sys.exit(1 if found else 0)
