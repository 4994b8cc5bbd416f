"""An export: plan, fetch the slices, write the parts, reconcile the counts, commit, report."""
