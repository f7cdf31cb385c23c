"""Makes and checks everything that is not Python: the chart, the manifests, the documentation."""
