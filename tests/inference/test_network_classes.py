"""Networks that classify: probabilities that hold on rows they did not see."""

import warnings

import numpy as np
import pytest

import bayesml as bm

EDGES = {2: (1.2,), 3: (0.9, 1.5)}


def rings(rng, m, classes):
    """Rings around the origin with blurred edges: no straight line tells them apart."""
    X = rng.normal(size=(m, 2))
    return X, np.digitize(np.hypot(*X.T) + 0.2 * rng.normal(size=m), EDGES[classes])


@pytest.mark.parametrize(("likelihood", "classes"), [(bm.Bernoulli(), 2), (bm.Categorical(), 3)])
def test_probabilities_of_a_network_are_calibrated_and_beat_a_linear_model(likelihood, classes):
    rng = np.random.default_rng(0)
    (X, y), (X_new, y_new) = rings(rng, 240, classes), rings(rng, 500, classes)
    data = bm.Data(X, np.array([f"class {k}" for k in y]))
    with warnings.catch_warnings():  # of its weights: its probabilities are judged here
        warnings.simplefilter("ignore", bm.ConvergenceWarning)
        network = bm.fit(bm.Model(bm.MLP((10,)), likelihood), data, bm.Laplace(), rng=0)
        probabilities = network.predict(X_new).probabilities
    linear = bm.fit(bm.Model(likelihood=likelihood), data, bm.Laplace(), rng=0)
    said, straight = (
        np.log(p[np.arange(500), y_new])
        for p in (probabilities, linear.predict(X_new).probabilities)
    )
    gain = said - straight
    assert gain.mean() > 3.0 * gain.std() / np.sqrt(500)
    # Of rows that are told alike, as many are of the class as was said, up to the noise of counts
    # and a twentieth for what 240 rows leave open.
    for k in range(classes):
        for rows in np.array_split(np.argsort(probabilities[:, k]), 4):
            p = probabilities[rows, k]
            noise = np.sqrt(np.mean(p * (1.0 - p)) / len(rows))
            assert abs(np.mean(y_new[rows] == k) - p.mean()) < 3.0 * noise + 0.05
