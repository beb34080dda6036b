"""Questions of a ledger: functions from its runs to values that terminal, page and JSON show alike.

Its names (listed in `__init__.pyi`) are imported when they are first used: where runs stand is told
without the statistics.
"""

from typing import TYPE_CHECKING

if not TYPE_CHECKING:

    def __getattr__(name):
        from audition.lazy import imported

        value = globals()[name] = imported(__name__, __file__, name)
        return value
