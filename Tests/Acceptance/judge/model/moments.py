"""Times as in RFC 3339, as exact numbers of seconds."""

import datetime
import re
from fractions import Fraction

PATTERN = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def parse_moment(text):
    """Seconds since 1970 as a fraction, which never rounds. Raises ValueError."""
    match = PATTERN.fullmatch(text)
    if not match:
        raise ValueError(text)
    day, hours, minutes, seconds, fraction, zone = match.groups()
    days = (datetime.date.fromisoformat(day) - datetime.date(1970, 1, 1)).days
    if int(hours) > 23 or int(minutes) > 59 or int(seconds) > 60:
        raise ValueError(text)
    offset = 0
    if zone not in "Zz":
        offset = (int(zone[1:3]) * 60 + int(zone[4:6])) * 60 * (1 if zone[0] == "+" else -1)
    whole = days * 86400 + int(hours) * 3600 + int(minutes) * 60 + int(seconds) - offset
    return whole + (Fraction("0" + fraction) if fraction else 0)
