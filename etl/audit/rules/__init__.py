"""The rules, a file a subject; each file ends in RULES and is part of the audit by existing."""
