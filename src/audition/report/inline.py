"""Figures inside a page: SVG without what a page has already, in the page's own colours."""

import re

from audition.report.style import THEME


def inline(svg: str, name: str, caption: str) -> str:
    """The figure `svg` as an element of a page that holds others; `name` keeps their ids apart.

    Metadata and namespaces go (a page needs neither), and the house's inks become the page's
    variables, so that the figure is light on a light page and dark on a dark one.
    """
    opening = re.search(r"<svg\b[^>]*>", svg)
    assert opening is not None, "matplotlib wrote no svg element"
    box = re.search(r'viewBox="([^"]*)"', opening[0])
    assert box is not None, "matplotlib wrote no viewBox"
    body = svg[opening.end() :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style\b.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r'(\sid=")', rf"\g<1>{name}-", body)
    body = re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\g<1>{name}-", body)
    for ink, (light, _) in THEME.items():
        body = body.replace(light, f"var(--{ink})")
    label = caption.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'<svg class="figure" viewBox="{box[1]}" role="img" aria-label="{label}">{body}'
