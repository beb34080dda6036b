"""`energy=off`: nothing is read, and records say nothing of joules."""

from audition.energy.meter import Meter


class Off(Meter):
    """The neutral meter."""
