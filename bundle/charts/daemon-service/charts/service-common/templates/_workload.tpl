{{/* A Deployment. Takes root, component, name, account and container. */}}
{{- define "service-common.deployment" -}}
{{- $v := .root.Values -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name | quote }}
  labels:
    {{- include "service-common.labels" . | nindent 4 }}
spec:
  {{- if not $v.autoscaling.enabled }}
  replicas: {{ $v.replicas | int64 }}
  {{- end }}
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      {{- include "service-common.selector" . | nindent 6 }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: {{ $v.strategy.maxSurge }}
      maxUnavailable: {{ $v.strategy.maxUnavailable }}
  template:
    metadata:
      {{- include "service-common.podMetadata" . | nindent 6 }}
    spec:
      terminationGracePeriodSeconds: {{ $v.terminationGracePeriodSeconds | int64 }}
      {{- include "service-common.pod" . | nindent 6 }}
      {{- with $v.topologySpread }}
      {{- if .enabled }}
      topologySpreadConstraints:
        {{- range .topologyKeys }}
        - topologyKey: {{ . | quote }}
          maxSkew: {{ $v.topologySpread.maxSkew }}
          whenUnsatisfiable: {{ $v.topologySpread.whenUnsatisfiable | quote }}
          labelSelector:
            matchLabels:
              {{- include "service-common.selector" $ | nindent 14 }}
          matchLabelKeys:
            - pod-template-hash
        {{- end }}
      {{- end }}
      {{- end }}
{{- end -}}

{{- define "service-common.autoscaler" -}}
{{- with .root.Values.autoscaling }}
{{- if .enabled }}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
{{- fail "autoscaling.minReplicas is above autoscaling.maxReplicas" }}
{{- end }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ $.name | quote }}
  labels:
    {{- include "service-common.labels" $ | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ $.name | quote }}
  minReplicas: {{ .minReplicas }}
  maxReplicas: {{ .maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .targetCPUUtilization }}
    {{- if .targetMemoryUtilization }}
    - type: Resource
      resource:
        name: memory
        target:
          type: Utilization
          averageUtilization: {{ .targetMemoryUtilization }}
    {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A budget only where there is more than one pod: with one it would keep nodes from being drained. */}}
{{- define "service-common.disruptionBudget" -}}
{{- $v := .root.Values -}}
{{- $replicas := ternary $v.autoscaling.minReplicas $v.replicas $v.autoscaling.enabled | int -}}
{{- if and $v.disruptionBudget.enabled (gt $replicas 1) }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name | quote }}
  labels:
    {{- include "service-common.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ $v.disruptionBudget.maxUnavailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "service-common.selector" . | nindent 6 }}
{{- end }}
{{- end -}}

{{/* One probe: what it asks, and its times. Takes probe, kind of question and port. */}}
{{- define "service-common.probe" -}}
{{- if .command }}
exec:
  command:
    {{- range .command }}
    - {{ . | quote }}
    {{- end }}
{{- else }}
httpGet:
  path: {{ .path | quote }}
  port: http
{{- end }}
periodSeconds: {{ .periodSeconds }}
timeoutSeconds: {{ .timeoutSeconds }}
failureThreshold: {{ .failureThreshold }}
{{- end -}}
