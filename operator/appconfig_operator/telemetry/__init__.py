"""What the operator reports about itself: metrics, probes, and missing permissions."""
