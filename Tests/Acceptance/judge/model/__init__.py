"""What Ostler must decide, written from the contract (docs/contract.md) alone, and as simply as it can be said.

It shares nothing with the program: a mistake would have to be made twice to go unnoticed."""

from .decisions import Model, Verdict  # noqa: F401
from .reading import Refused, Rules, read  # noqa: F401
