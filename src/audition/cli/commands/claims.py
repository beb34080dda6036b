"""`audition claims`: what others claim, how it is tested, and what the tests say."""

import json
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from audition.cli.command import JSON, LEDGER, command, emit, option
from audition.cli.opening import open_ledger
from audition.errors import AuditionError


@command(
    "what others claim, and what registered tests say of it",
    option("claim", nargs="?", metavar="CLAIM", help="one claim whole; all of them, a line each"),
    option(
        "--take",
        action="store_true",
        help="judge the claim's tests in the ledger, and keep what they came to beside its file",
    ),
    option("--write", action="store_true", help="write the pages of all claims"),
    option("--to", type=Path, metavar="FOLDER", help="where pages and figures go (docs/claims)"),
    *(LEDGER, JSON),
)
def claims(options: Namespace) -> None:
    """`audition claims`; the claims are files in `claims/` of the folder one is in."""
    from audition.answers.claim_evidence import found_in
    from audition.answers.claims import HOME, claim_named, written
    from audition.answers.claims import claims as all_claims
    from audition.console import say
    from audition.plain_file import write_whole
    from audition.records.codec import finite
    from audition.report.claims import PAGES, filed, show_claim, show_claims, write_pages

    pages = options.to or PAGES
    if options.take:
        if options.claim is None:
            raise AuditionError("--take keeps what one claim's tests came to: name the claim")
        claim = claim_named(options.claim)
        ledger, _ = open_ledger(options)
        evidence = filed(found_in(ledger, claim), claim, pages)
        path = HOME / f"{claim.name}.json"
        write_whole(path, json.dumps(written(evidence), indent=1, ensure_ascii=False) + "\n")
        say(f"{path} has {len(evidence)} of {len(claim.tests)} tests")
    found = all_claims() if options.claim is None else (claim_named(options.claim),)
    if options.write:
        for page in write_pages(all_claims(), pages):
            say(f"wrote {page}")
    plain = [{**asdict(claim), "stand": claim.stand} for claim in found]
    emit(
        options,
        finite(plain if options.claim is None else plain[0]),
        lambda: show_claims(found) if options.claim is None else show_claim(found[0]),
    )
