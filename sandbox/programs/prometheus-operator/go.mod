// Only for its CRDs: by them, the API server checks the ServiceMonitor, PodMonitor and PrometheusRule of the chart.
module appconfig-operator.io/sandbox/prometheus-operator

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
