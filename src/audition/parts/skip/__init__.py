"""Connections that pass over blocks: the members of `skip`."""
