"""Delimited text, CSV and its like: read as it stands, typed when it is used, guessed nowhere."""
