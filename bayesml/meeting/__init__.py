"""What the parts of a model become when they meet the data."""

from bayesml.meeting.parts import Met, meet
from bayesml.meeting.target import check_target, met_likelihood

__all__ = ["Met", "check_target", "meet", "met_likelihood"]
