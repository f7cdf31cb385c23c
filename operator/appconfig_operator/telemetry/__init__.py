"""What the operator shows of itself: metrics, probes, and rights that it lacks."""
