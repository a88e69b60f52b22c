"""Learning networks: what MLE, MAP, Laplace and the samplers share (docs/theory/network.md)."""
