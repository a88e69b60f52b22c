"""The tests share helpers by importing them as `tests.…`; see tests/reference/refdata.py."""
