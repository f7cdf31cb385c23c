"""Makes and checks what is not Python: the chart, the manifests, the documentation."""
