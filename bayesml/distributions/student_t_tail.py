"""The distribution function of Student's t, fast where many points share a few degrees of freedom.

Derived in docs/theory/student_t_likelihood.md, (T8)–(T10).
"""

import numpy as np
from scipy.special import stdtr

from bayesml.typing import Array

FEW, SHARED = 50_000, 4
"""Points of one ν that are worth a loop that is to be compiled; points of each of many."""

FAR = 1e150
"""Whose square is a number."""


def student_t_cdf(df: Array, z: Array) -> Array:
    """Evaluate P(t ≤ z) for t of ν degrees of freedom, the lower tail to 1e-12 of itself.

    Parameters
    ----------
    df : ndarray
        ν, positive, broadcast against z. Fast where there is one, or one for each last axis of z.
    z : ndarray

    Examples
    --------
    >>> student_t_cdf(np.array(1.0), np.array([-1.0, 0.0])).round(12)
    array([0.25, 0.5 ])
    """
    last = df.shape[-1] if df.ndim > 0 else 1
    one_a_column = df.size == last and z.ndim > 0 and z.shape[-1] % last == 0
    if not one_a_column or z.size < max(FEW // last, SHARED * last) or not np.max(np.abs(z)) < FAR:
        return np.asarray(stdtr(df, z))
    from bayesml.distributions.student_t_polynomials import cdf_by_columns

    columns = np.ascontiguousarray(z, dtype=np.float64).reshape(-1, last)
    return cdf_by_columns(df.reshape(last), columns).reshape(z.shape)
