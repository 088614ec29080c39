{{/* The name of the service account that pods run as. */}}
{{- define "service-common.account" -}}
{{- with .Values.serviceAccount -}}
{{- if .create -}}
{{ default (include "service-common.name" $) .name }}
{{- else -}}
{{ required "serviceAccount.name is required where serviceAccount.create is false" .name }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "service-common.serviceAccount" -}}
{{- if .root.Values.serviceAccount.create }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .account | quote }}
  labels:
    {{- include "service-common.labels" . | nindent 4 }}
  {{- if or .hook .root.Values.serviceAccount.annotations }}
  annotations:
    {{- if .hook }}
    {{- include "service-common.hook" "-20" | nindent 4 }}
    {{- end }}
    {{- range $key, $value := .root.Values.serviceAccount.annotations }}
    {{ $key | quote }}: {{ $value | quote }}
    {{- end }}
  {{- end }}
automountServiceAccountToken: false
{{- end }}
{{- end -}}
