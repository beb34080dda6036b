"""Audition: train an idea against its baseline on paired seeds, and say what the numbers support.

Its names (listed in `__init__.pyi`, which type checkers read) are imported when they are first used:
`import audition` stays fast and free of torch, whatever it comes to offer.
"""

from typing import TYPE_CHECKING

from audition.frozen import take_up

if not TYPE_CHECKING:

    def __getattr__(name):
        from audition.lazy import imported

        value = globals()[name] = imported(__name__, __file__, name)
        return value

    def __dir__():
        from audition.lazy import listed

        return sorted(listed(__file__))


take_up()
