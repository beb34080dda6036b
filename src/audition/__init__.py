"""Audition: train an idea against its baseline on paired seeds, and say what the numbers support."""

from audition.frozen import take_up

take_up()
