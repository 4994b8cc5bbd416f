"""A dataset brought up to date: fetch what changed, reconcile what is missing or withdrawn, merge, finish."""
