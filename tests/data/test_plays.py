"""The layout of plays: what is spoken is kept, whatever the markup around it."""

import pytest

from audition.data.shakespeare import layout

SPEECH = "**ROMEO**  \nAy me!  \nSad hours seem long.\n\n"


@pytest.mark.parametrize(
    ("markdown", "laid_out"),
    [
        (SPEECH, "ROMEO:\nAy me!\nSad hours seem long.\n\n"),
        ("# Play\n\n## ACT I\n\n### SCENE I. A street.\n\n**A**  \nGo.\n\n", "A:\nGo.\n\n"),
        ("_Enter A_\n\n**A**  \nGo.\n\n_Exit_", "A:\nGo.\n\n"),
        ("**A**  \nGo.\n\n_Enter B,\nC and\nothers_\n\n**B**  \nI go.", "A:\nGo.\n\nB:\nI go.\n\n"),
        ("**A**  \n_\\[Aside]_  \nGo.\n\n", "A:\nGo.\n\n"),
        ("**A**  \nGo.\n\n_Exit B_\n\nGone.\n\n", "A:\nGo.\nGone.\n\n"),
        ("**A**  \n__\\[Reads]_\n\nDear B,\n\n**B**  \nI?\n\n", "A:\nDear B,\n\nB:\nI?\n\n"),
        ("**A**  \n[Within]_  \nWho?\n\n", "A:\nWho?\n\n"),
        ("**A**  \n*[Draws.]*  \nBehold.\n\n*Sound a horn.*\n\n", "A:\nBehold.\n\n"),
        ("**A**  \nAnd _\\[Marcus,]_  \nnobly so.\n\n", "A:\nAnd Marcus, nobly so.\n\n"),
        ("**A**  \n\\--Command silence.\n\n", "A:\n--Command silence.\n\n"),
        ("COUNTESS  \n\n**OF AUVERGNE**  \nPorter.\n\n", "COUNTESS OF AUVERGNE:\nPorter.\n\n"),
        ("Ghost\n\n**of King Henry VI**  \nDespair.\n\n", "Ghost of King Henry VI:\nDespair.\n\n"),
        ("**A**  \nGo.\n\nEPILOGUE  \nAll is done.\n\n", "A:\nGo.\n\nEPILOGUE:\nAll is done.\n\n"),
        ("I come no more.\n\n**A**  \nGo.\n\n", "PROLOGUE:\nI come no more.\n\nA:\nGo.\n\n"),
        ("**A**  \nGo.\n\n1\\. Trumpets.  \n2\\. Judges.\n\n", "A:\nGo.\n\n"),
        ("**A**  \n_Exit_\n\n", ""),
    ],
)
def test_layout(markdown: str, laid_out: str) -> None:
    assert layout(markdown) == laid_out


def test_an_unpaired_underscore_drops_no_later_speech() -> None:
    assert layout("**A**  \n__\\[Reads]_\n\n" + SPEECH * 3).count("Ay me!") == 3
