"""Which likelihood `--family`, `--link` and `--quantile` ask for."""

from collections.abc import Callable
from functools import partial
from typing import Any

import bayesml as bm
from bayesml.likelihoods import Likelihood

FAMILIES: dict[str, Callable[..., Likelihood]] = {
    "gaussian": bm.Gaussian,
    "student-t": bm.StudentT,
    "laplace": bm.LaplaceResponse,
    "quantile": bm.AsymmetricLaplace,
    "bernoulli": bm.Bernoulli,
    "binomial": bm.Binomial,
    "categorical": bm.Categorical,
    "ordinal": bm.Ordinal,
    "poisson": bm.Poisson,
    "negative-binomial": bm.NegativeBinomial,
    "gamma": bm.GammaResponse,
    "beta": bm.BetaResponse,
    "zero-inflated-poisson": partial(bm.ZeroInflated, bm.Poisson()),
    "hurdle-poisson": partial(bm.Hurdle, bm.Poisson()),
    "zero-inflated-negative-binomial": partial(bm.ZeroInflated, bm.NegativeBinomial()),
    "hurdle-negative-binomial": partial(bm.Hurdle, bm.NegativeBinomial()),
}
"""The likelihoods of a target, by the field's names."""

OF_PROBABILITIES = {"logit": bm.Logit(), "probit": bm.Probit(), "cloglog": bm.CLogLog()}
OF_MEANS = {
    "log": bm.Log(),
    "identity": bm.Identity(),
    "inverse": bm.Inverse(),
    "sqrt": bm.Sqrt(),
}
LINKS = OF_PROBABILITIES | OF_MEANS
"""Links of a probability and of a positive mean, where a family has a choice."""

WITH_LINKS = dict.fromkeys(("bernoulli", "binomial", "ordinal", "beta"), OF_PROBABILITIES)
WITH_LINKS |= dict.fromkeys(("poisson", "gamma"), OF_MEANS)


def likelihood_of(family: str, link: str | None, quantile: float | None) -> Likelihood:
    """Return the likelihood that the options ask for.

    Raises
    ------
    IncompatibleModelError
        If an option is of another family.

    Examples
    --------
    >>> likelihood_of("bernoulli", "probit", None)
    Bernoulli(link=Probit())
    """
    options: dict[str, Any] = {}
    if link is not None:
        if link not in WITH_LINKS.get(family, {}):
            families = ", ".join(name for name, links in WITH_LINKS.items() if link in links)
            raise bm.IncompatibleModelError(
                f"--link {link} is for --family {families}, not {family}"
            )
        options["link"] = LINKS[link]
    if quantile is not None:
        if family != "quantile":
            raise bm.IncompatibleModelError(f"--quantile is for --family quantile, not {family}")
        options["quantile"] = quantile
    return FAMILIES[family](**options)
