"""The rules, one file per subject; each file ends in RULES and becomes part of the audit."""
