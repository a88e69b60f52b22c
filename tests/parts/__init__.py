"""Parts that a stranger would write, with which the contracts are tested."""
