"""`audition help`: the commands, or the options of one."""

from argparse import Namespace

from audition.cli.command import command, option


@command("the options of a command", option("about", nargs="?", metavar="COMMAND"))
def help(options: Namespace) -> None:  # the command's own name
    """`audition help`"""
    from audition.cli.ledger import main

    main([*filter(None, [options.about]), "--help"])
