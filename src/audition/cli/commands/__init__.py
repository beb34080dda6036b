"""The commands of `audition`, one file each, which holds a `Command` of its name; all are found here."""
