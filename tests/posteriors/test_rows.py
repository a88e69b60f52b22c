"""Blocks of rows whose values are held."""

import numpy as np

from bayesml.posteriors.rows import held


def test_blocks_are_those_of_the_whole_and_held_rows_are_evaluated_once() -> None:
    whole, asked = np.arange(20.0) ** 2, list[slice]()

    def evaluate(block: slice) -> tuple[np.ndarray, np.ndarray]:
        asked.append(block)
        return whole[block], -whole[block]

    at = held(evaluate, 6)
    for _ in range(2):
        for start in range(0, 20, 3):
            first, second = at(slice(start, min(start + 3, 20)))
            np.testing.assert_array_equal(first, whole[start : start + 3])
            np.testing.assert_array_equal(second, -first)
    assert [block.start for block in asked] == [0, 6, 12, 18] * 2
    across, _ = at(slice(4, 9))
    np.testing.assert_array_equal(across, whole[4:9])
    assert asked[-1] == slice(4, 9)
