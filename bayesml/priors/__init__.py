"""Priors of the predictor's parameters, and how they are resolved against the data."""

from bayesml.priors.after import After
from bayesml.priors.base import Coefficients, Prior, Resolved, Spread, Unknown
from bayesml.priors.beta_binomial import BetaBinomial
from bayesml.priors.by_precision import NormalByPrecision
from bayesml.priors.by_predictor import ByPredictor, Jointly
from bayesml.priors.by_term import ByTerm
from bayesml.priors.group_effects import GroupEffects, Hierarchical, WithGroups
from bayesml.priors.horseshoe import Horseshoe
from bayesml.priors.independent import Independent, as_prior
from bayesml.priors.layered import Groups, Layered
from bayesml.priors.multivariate_normal import MultivariateNormal
from bayesml.priors.normal_inverse_gamma import NormalInverseGamma
from bayesml.priors.normal_rows import NormalRows, PriorTerms, Values, normal_terms
from bayesml.priors.r2d2 import R2D2
from bayesml.priors.ridge import Ridge
from bayesml.priors.roles import (
    Conjugate,
    ExportsPrior,
    GaussianGivenScales,
    HasKinks,
    HasSeenRows,
    InfersScales,
    KinkedPrior,
    LeavesSize,
    LogInclusion,
    NonCentred,
    OfEntries,
    PartlyImproper,
    ScalesEffects,
    SelectsFeatures,
    StandsForLayers,
    StandsForScale,
    StatesEffects,
    StatesParameters,
    StatesParts,
    exported,
    proper_functionals,
)
from bayesml.priors.scaled import Scaled
from bayesml.priors.scales import Scales
from bayesml.priors.spike_and_slab import SpikeAndSlab
from bayesml.priors.weakly_informative import WeaklyInformative
from bayesml.priors.zellner import NormalInNoise, ZellnerG

__all__ = [
    "R2D2",
    "After",
    "BetaBinomial",
    "ByPredictor",
    "ByTerm",
    "Coefficients",
    "Conjugate",
    "ExportsPrior",
    "GaussianGivenScales",
    "GroupEffects",
    "Groups",
    "HasKinks",
    "HasSeenRows",
    "Hierarchical",
    "Horseshoe",
    "Independent",
    "InfersScales",
    "Jointly",
    "KinkedPrior",
    "Layered",
    "LeavesSize",
    "LogInclusion",
    "MultivariateNormal",
    "NonCentred",
    "NormalByPrecision",
    "NormalInNoise",
    "NormalInverseGamma",
    "NormalRows",
    "OfEntries",
    "PartlyImproper",
    "Prior",
    "PriorTerms",
    "Resolved",
    "Ridge",
    "Scaled",
    "Scales",
    "ScalesEffects",
    "SelectsFeatures",
    "SpikeAndSlab",
    "Spread",
    "StandsForLayers",
    "StandsForScale",
    "StatesEffects",
    "StatesParameters",
    "StatesParts",
    "Unknown",
    "Values",
    "WeaklyInformative",
    "WithGroups",
    "ZellnerG",
    "as_prior",
    "exported",
    "normal_terms",
    "proper_functionals",
]
