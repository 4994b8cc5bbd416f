"""The profiles, a file a community; each file ends in PROFILE and can be asked for by the file's name."""
