"""A paper of one plan: every number from one file, as Typst, LaTeX, Markdown, slides and figures."""
