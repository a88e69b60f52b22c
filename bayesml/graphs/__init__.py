"""Models as PyMC graphs: the only room that imports PyMC, and PyTensor under it."""
