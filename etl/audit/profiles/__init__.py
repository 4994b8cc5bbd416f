"""The profiles, one file per community; each file ends in PROFILE, and its name is the profile's."""
