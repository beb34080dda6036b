"""What arms cost in seconds and bytes of this machine, measured side by side in one process."""
