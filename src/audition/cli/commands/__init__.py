"""The commands of `audition`, one file each, with `add(subcommands, common)`; all are found here."""
