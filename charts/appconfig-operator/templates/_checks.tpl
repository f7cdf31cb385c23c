{{/* Checks that the schema cannot express, each with a remedy. */}}
{{- define "appconfig-operator.check" -}}
{{- with .Values }}
{{- if and .watchNamespaces (or .rbac.aggregateToView .rbac.aggregateToEdit) }}
{{- fail "rbac.aggregateToView and rbac.aggregateToEdit need ClusterRoles, and with watchNamespaces the chart creates none: leave them out." }}
{{- end }}
{{- if not (or .serviceAccount.create .serviceAccount.name) }}
{{- fail "serviceAccount.create is false: name the ServiceAccount in serviceAccount.name." }}
{{- end }}
{{- if and .policy.enabled (not .policy.rules) }}
{{- fail "policy.enabled is true, but policy.rules is empty: add at least one rule." }}
{{- end }}
{{- if and .policy.rules (not .policy.enabled) }}
{{- fail "policy.rules would have no effect: set policy.enabled to true, or leave the rules out." }}
{{- end }}
{{- if and .metrics.serviceMonitor.enabled .metrics.podMonitor.enabled }}
{{- fail "metrics.serviceMonitor and metrics.podMonitor would both scrape the same Pods, so everything would count twice: enable only one of them." }}
{{- end }}
{{- range .extraVolumes }}
{{- if and $.Values.policy.enabled (eq (toString .name) "policy") }}
{{- fail "extraVolumes: the chart uses the volume name policy: give yours a different name." }}
{{- end }}
{{- end }}
{{- end }}
{{- include "appconfig-operator.checkEnvironment" . }}
{{- include "appconfig-operator.checkAlone" . }}
{{- end }}

{{/* A variable that appears twice: the error of the API server does not help. */}}
{{- define "appconfig-operator.checkEnvironment" -}}
{{- $aws := .Values.aws }}
{{- $taken := dict }}
{{- with $aws.region }}{{ $_ := set $taken "AWS_REGION" "aws.region" }}{{ end }}
{{- with $aws.endpointUrls.appconfigdata }}{{ $_ := set $taken "AWS_ENDPOINT_URL_APPCONFIGDATA" "aws.endpointUrls.appconfigdata" }}{{ end }}
{{- with $aws.endpointUrls.sts }}{{ $_ := set $taken "AWS_ENDPOINT_URL_STS" "aws.endpointUrls.sts" }}{{ end }}
{{- range .Values.extraEnv }}
{{- if has .name (list "APPCONFIG_OPERATOR_LEASE_NAMESPACE" "APPCONFIG_OPERATOR_METRICS_PORT" "APPCONFIG_OPERATOR_HEALTH_PORT") }}
{{- fail (printf "extraEnv: %s cannot be set: roles, ports and probes of the chart rely on its default." .name) }}
{{- end }}
{{- if and (hasPrefix "APPCONFIG_OPERATOR_" .name) (ne .name "APPCONFIG_OPERATOR_POLICY_FILE") }}
{{- fail (printf "extraEnv: %s is set by the chart: use the value for it (watchNamespaces, workers, shards, …)." .name) }}
{{- end }}
{{- if hasKey $taken .name }}
{{- fail (printf "extraEnv: %s appears twice, here and as %s: leave one of them out." .name (get $taken .name)) }}
{{- end }}
{{- $_ := set $taken .name "another one of extraEnv" }}
{{- end }}
{{- end }}

{{/* Leases are found by namespace. Two Deployments in one namespace would mistake each other for replicas. */}}
{{- define "appconfig-operator.checkAlone" -}}
{{- range (lookup "apps/v1" "Deployment" .Release.Namespace "").items }}
{{- $labels := default dict .metadata.labels }}
{{- $ours := or (eq (get $labels "app.kubernetes.io/part-of") "appconfig-operator") (eq (get $labels "app.kubernetes.io/name") "appconfig-operator") }}
{{- $theSame := and (eq (get $labels "app.kubernetes.io/instance") $.Release.Name) (eq .metadata.name (include "appconfig-operator.fullname" $)) }}
{{- if and $ours (not $theSame) }}
{{- fail (printf "The namespace %s already has an appconfig-operator: the Deployment %s, which is not %s of the release %s. Two in one namespace would mistake each other for replicas, and each would leave sources unserved. Install this one in a different namespace, or remove the other one first." $.Release.Namespace .metadata.name (include "appconfig-operator.fullname" $) $.Release.Name) }}
{{- end }}
{{- end }}
{{- end }}
