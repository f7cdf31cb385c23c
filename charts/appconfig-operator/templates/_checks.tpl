{{/* What the schema cannot say, each with the way out. */}}
{{- define "appconfig-operator.check" -}}
{{- with .Values }}
{{- if and .watchNamespaces (or .rbac.aggregateToView .rbac.aggregateToEdit) }}
{{- fail "rbac.aggregateToView and rbac.aggregateToEdit take ClusterRoles, and with watchNamespaces the chart makes none: leave them out." }}
{{- end }}
{{- if not (or .serviceAccount.create .serviceAccount.name) }}
{{- fail "serviceAccount.create is false: name the ServiceAccount in serviceAccount.name." }}
{{- end }}
{{- if and .policy.enabled (not .policy.rules) }}
{{- fail "policy.enabled is true, and policy.rules is empty: give it at least one rule." }}
{{- end }}
{{- if and .policy.rules (not .policy.enabled) }}
{{- fail "policy.rules would not be used: set policy.enabled to true, or leave the rules out." }}
{{- end }}
{{- range .extraEnv }}
{{- if and (hasPrefix "APPCONFIG_OPERATOR_" .name) (ne .name "APPCONFIG_OPERATOR_POLICY_FILE") }}
{{- fail (printf "extraEnv: %s is a setting that the chart makes: use the value for it (watchNamespaces, workers, shards, …)." .name) }}
{{- end }}
{{- end }}
{{- end }}
{{- include "appconfig-operator.checkAlone" . }}
{{- end }}

{{/* Leases are found by their namespace. Two releases in one would take each other for replicas. */}}
{{- define "appconfig-operator.checkAlone" -}}
{{- range (lookup "apps/v1" "Deployment" .Release.Namespace "").items }}
{{- $labels := default dict .metadata.labels }}
{{- $ours := or (eq (get $labels "app.kubernetes.io/part-of") "appconfig-operator") (eq (get $labels "app.kubernetes.io/name") "appconfig-operator") }}
{{- if and $ours (ne (get $labels "app.kubernetes.io/instance") $.Release.Name) }}
{{- fail (printf "The namespace %s has an appconfig-operator already: the Deployment %s, which is not of the release %s. Two in one namespace would take each other for replicas, and each would leave sources unserved. Install this one into another namespace, or remove the other one first." $.Release.Namespace .metadata.name $.Release.Name) }}
{{- end }}
{{- end }}
{{- end }}
