{{/* The ConfigMap of the plain environment variables, of the service or of its migration. */}}
{{- define "service-common.config" -}}
{{- if .root.Values.config }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .name | quote }}
  labels:
    {{- include "service-common.labels" . | nindent 4 }}
  {{- if .hook }}
  annotations:
    {{- include "service-common.hook" "-10" | nindent 4 }}
  {{- end }}
data:
  {{- range $key, $value := .root.Values.config }}
  {{ $key | quote }}: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The object that a store's secrets are synchronized to. */}}
{{- define "service-common.secretName" -}}
{{- printf "%s-%s-%s" .name (lower .store.kind) .store.name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* One ExternalSecret for each store; it holds references, never a value. */}}
{{- define "service-common.externalSecrets" -}}
{{- $all := . -}}
{{- $stores := dict -}}
{{- range $variable, $secret := .root.Values.secrets -}}
{{- with $secret.externalSecret -}}
{{- $id := printf "%s/%s" .store.kind .store.name -}}
{{- $_ := set $stores $id (append (default list (get $stores $id)) (dict "variable" $variable "store" .store "key" .key "property" .property)) -}}
{{- end -}}
{{- end -}}
{{- range $id, $secrets := $stores }}
{{- $store := (first $secrets).store }}
{{- $name := include "service-common.secretName" (dict "name" $all.name "store" $store) }}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: {{ $name | quote }}
  labels:
    {{- include "service-common.labels" $all | nindent 4 }}
  {{- if $all.hook }}
  annotations:
    {{- include "service-common.hook" "-10" | nindent 4 }}
  {{- end }}
spec:
  refreshInterval: {{ $all.root.Values.secretsRefreshInterval | quote }}
  secretStoreRef:
    name: {{ $store.name | quote }}
    kind: {{ $store.kind | quote }}
  target:
    name: {{ $name | quote }}
    creationPolicy: Owner
  data:
    {{- range $secrets }}
    - secretKey: {{ .variable | quote }}
      remoteRef:
        key: {{ .key | quote }}
        {{- with .property }}
        property: {{ . | quote }}
        {{- end }}
    {{- end }}
{{- end }}
{{- end -}}

{{/* The environment of a container. Each variable is named, so that nothing of a Secret gets in by accident. */}}
{{- define "service-common.environment" -}}
{{- $all := . -}}
{{- if or .root.Values.config .root.Values.secrets }}
env:
  {{- range $variable, $_ := .root.Values.config }}
  {{- if hasKey $all.root.Values.secrets $variable }}
  {{- fail (printf "%s is in config and in secrets: take it out of one" $variable) }}
  {{- end }}
  - name: {{ $variable | quote }}
    valueFrom:
      configMapKeyRef:
        name: {{ $all.name | quote }}
        key: {{ $variable | quote }}
  {{- end }}
  {{- range $variable, $secret := .root.Values.secrets }}
  - name: {{ $variable | quote }}
    valueFrom:
      secretKeyRef:
        {{- with $secret.secretKeyRef }}
        name: {{ .name | quote }}
        key: {{ .key | quote }}
        {{- end }}
        {{- with $secret.externalSecret }}
        name: {{ include "service-common.secretName" (dict "name" $all.name "store" .store) | quote }}
        key: {{ $variable | quote }}
        {{- end }}
  {{- end }}
{{- end }}
{{- end -}}
