{{- define "appconfig-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Truncated, so that the longest suffix, -service-accounts, still fits. */}}
{{- define "appconfig-operator.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $full .Values.fullnameOverride | trunc 46 | trimAll "-." }}
{{- end }}

{{- define "appconfig-operator.serviceAccountName" -}}
{{- default (include "appconfig-operator.fullname" .) .Values.serviceAccount.name }}
{{- end }}

{{/* These can never change: a Deployment's selector is immutable. */}}
{{- define "appconfig-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "appconfig-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* part-of does not depend on any name, so that releases can find each other. */}}
{{- define "appconfig-operator.labels" -}}
{{- $labels := include "appconfig-operator.selectorLabels" . | fromYaml }}
{{- $_ := set $labels "app.kubernetes.io/part-of" "appconfig-operator" }}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .Release.Service }}
{{- $_ := set $labels "app.kubernetes.io/version" .Chart.AppVersion }}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") }}
{{- mergeOverwrite (deepCopy .Values.commonLabels) $labels | toYaml }}
{{- end }}

{{/* Without versions: a new version of the chart alone must not replace Pods. */}}
{{- define "appconfig-operator.podLabels" -}}
{{- $labels := include "appconfig-operator.selectorLabels" . | fromYaml }}
{{- $_ := set $labels "app.kubernetes.io/part-of" "appconfig-operator" }}
{{- mergeOverwrite (deepCopy .Values.commonLabels) .Values.podLabels $labels | toYaml }}
{{- end }}

{{/* The default is that of manifests/components/high-availability: prefers different nodes and zones. */}}
{{- define "appconfig-operator.spread" -}}
{{- $ours := dict "matchLabels" (include "appconfig-operator.selectorLabels" . | fromYaml) }}
{{- $constraints := list }}
{{- range .Values.topologySpreadConstraints }}
{{- $constraints = append $constraints (hasKey . "labelSelector" | ternary . (set (deepCopy .) "labelSelector" $ours)) }}
{{- else }}
{{- if gt (int .Values.replicaCount) 1 }}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
{{- $constraints = append $constraints (dict "topologyKey" . "maxSkew" 1 "whenUnsatisfiable" "ScheduleAnyway" "labelSelector" $ours "matchLabelKeys" (list "pod-template-hash")) }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml $constraints }}
{{- end }}

{{- define "appconfig-operator.image" -}}
{{- $tagged := printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- if .Values.image.digest }}{{ $tagged }}@{{ .Values.image.digest }}{{ else }}{{ $tagged }}{{ end }}
{{- end }}

{{/* Names of Services are more restricted than others: no dots, and a letter first. */}}
{{- define "appconfig-operator.serviceName" -}}
{{- $name := printf "%s-metrics" (include "appconfig-operator.fullname" .) | replace "." "-" }}
{{- regexReplaceAll "^[0-9]" $name "n${0}" }}
{{- end }}

{{- define "appconfig-operator.metricsService" -}}
{{- or .Values.metrics.service.enabled .Values.metrics.serviceMonitor.enabled | ternary "true" "" }}
{{- end }}

{{/* The operator's rules, from manifests/. */}}
{{- define "appconfig-operator.rules" -}}
{{- .Files.Get "files/rules.yaml" }}
{{- end }}

{{/* A role and its binding. Takes root, kind (ClusterRole or Role), name, namespace and rules. */}}
{{- define "appconfig-operator.role" -}}
{{- $root := .root }}
{{- range $kind := list .kind (printf "%sBinding" .kind) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ $.name | quote }}
  {{- with $.namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels:
    {{- include "appconfig-operator.labels" $root | nindent 4 }}
{{- if eq $kind $.kind }}
rules:
{{ toYaml $.rules }}
{{- else }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $.kind }}
  name: {{ $.name | quote }}
subjects:
- kind: ServiceAccount
  name: {{ include "appconfig-operator.serviceAccountName" $root | quote }}
  namespace: {{ $root.Release.Namespace | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/*
The first source that NOTES.txt suggests: a namespace that is served, and names that policy.rules allow, as far as they
can be determined here. Patterns with [ are left to the operator: rules without them are preferred. allowed: whether a
rule allows the namespace to read. unsure: whether one might, because of such a pattern. made: whether the namespace is
made up, so that it may not exist.
*/}}
{{- define "appconfig-operator.firstSource" -}}
{{- $namespace := .Values.watchNamespaces | default (list "default") | first }}
{{- $application := "my-application" }}
{{- $environment := "my-environment" }}
{{- $best := 0 }}
{{- $unsure := false }}
{{- $named := append .Values.watchNamespaces "default" }}
{{- $candidates := .Values.watchNamespaces }}
{{- if not $candidates }}
{{- $candidates = list "default" }}
{{- range .Values.policy.rules }}
{{- $candidates = append $candidates (include "appconfig-operator.example" .namespaces) }}
{{- end }}
{{- end }}
{{- if .Values.policy.enabled }}
{{- range $rule := .Values.policy.rules }}
{{- $named = concat $named .namespaces }}
{{- $unsure = or $unsure (contains "[" (join "" .namespaces)) }}
{{- end }}
{{- range $candidate := $candidates }}
{{- range $rule := $.Values.policy.rules }}
{{- $score := 1 }}
{{- if include "appconfig-operator.sayable" .applications }}{{ $score = add $score 2 }}{{ end }}
{{- if include "appconfig-operator.sayable" .environments }}{{ $score = add $score 1 }}{{ end }}
{{- range .namespaces }}
{{- $regex := regexQuoteMeta . | replace "\\*" ".*" | replace "\\?" "." }}
{{- if and (gt (int $score) (int $best)) (not (contains "[" .)) (regexMatch (printf "^(?s:%s)$" $regex) $candidate) }}
{{- $best = $score }}
{{- $namespace = $candidate }}
{{- $application = include "appconfig-operator.example" $rule.applications | default "my-application" }}
{{- $environment = include "appconfig-operator.example" $rule.environments | default "my-environment" }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- $allowed := or (not .Values.policy.enabled) (gt (int $best) 0) }}
{{- dict "namespace" $namespace "application" $application "environment" $environment "allowed" $allowed "unsure" $unsure "made" (not (has $namespace $named)) | toYaml }}
{{- end }}

{{/* Whether a name can be derived that one of the patterns allows. No patterns allow everything. */}}
{{- define "appconfig-operator.sayable" -}}
{{- $sayable := not . }}
{{- range . }}
{{- $sayable = or $sayable (not (contains "[" .)) }}
{{- end }}
{{- ternary "true" "" $sayable }}
{{- end }}

{{/*
A name that one of the patterns allows, or nothing: everything is allowed, or no name can be derived here.
*/}}
{{- define "appconfig-operator.example" -}}
{{- $example := "" }}
{{- range . }}
{{- if and (not $example) (not (contains "[" .)) (ne . "*") }}
{{- $example = . | replace "*" "example" | replace "?" "x" }}
{{- end }}
{{- end }}
{{- $example }}
{{- end }}
