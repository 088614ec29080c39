{{/* The name of every object: the release's. Helm allows 53 characters, so that -migration fits. */}}
{{- define "service-common.name" -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{/* What a selector matches. A migration has another component, so that no Service and no budget counts its pod. */}}
{{- define "service-common.selector" -}}
app.kubernetes.io/name: {{ include "service-common.name" .root | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component | quote }}
{{- end -}}

{{/* The labels of an object. Of the version only what a label may hold. */}}
{{- define "service-common.labels" -}}
{{ include "service-common.selector" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{/* Marks an object that has to be there before the migration starts. What failed stays, with its log, until the next try. */}}
{{- define "service-common.hook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{/* The image: a digest beats a tag. The schema refuses neither, and latest. */}}
{{- define "service-common.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ required "image.digest or image.tag is required" .tag }}
{{- end -}}
{{- end -}}
{{- end -}}
