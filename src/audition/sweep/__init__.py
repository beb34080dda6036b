"""From a command line to finished runs: arms, plan, launch."""
