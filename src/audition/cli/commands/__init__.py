"""The commands of `audition`: each file holds one `Command` of its own name; all are found here."""
