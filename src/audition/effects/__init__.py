"""Training-dynamics plug-ins, one file each; a preset chains them."""
