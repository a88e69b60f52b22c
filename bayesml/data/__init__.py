"""𝒟, the data: validated once at the door, named, and read in blocks of rows behind it."""

from bayesml.data.blocks import Block
from bayesml.data.data import Data
from bayesml.data.designs import Design
from bayesml.data.stored_design import design_from_config

__all__ = ["Block", "Data", "Design", "design_from_config"]
