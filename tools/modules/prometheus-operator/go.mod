// Only for its CRDs: by them, the ServiceMonitor, PodMonitor and PrometheusRule that the chart renders are checked.
module appconfig-operator.io/tools/prometheus-operator

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
