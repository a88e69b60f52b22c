"""The distribution of σ under one inverse gamma distribution of σ², or several."""

import numpy as np
import pytest

from bayesml.posteriors.averaged import AveragedScale
from bayesml.posteriors.conjugate import InverseGammaScale


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "scale",
    [
        InverseGammaScale(3.0, 2.0),
        AveragedScale(3.0, np.array([1.0, 2.0]), np.array([0.3, 0.7])),
    ],
)
def test_a_scale_is_positive(scale: InverseGammaScale | AveragedScale) -> None:
    y = np.array([-np.inf, -1.0, 0.0, 1e-300, np.inf])
    np.testing.assert_array_equal(scale.cdf(y), [0.0, 0.0, 0.0, 0.0, 1.0])
    np.testing.assert_allclose(scale.cdf(scale.quantile(0.3)), 0.3, rtol=1e-9)
