"""A cohort as one page to look at, print and keep: figures, overlap, people, page."""
