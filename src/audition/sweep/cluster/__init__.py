"""Runs as jobs of a cluster: submitted with their code, watched, settled when they are lost."""
