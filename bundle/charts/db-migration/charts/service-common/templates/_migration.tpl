{{/* The migration: a Job that helm runs to its end before anything of the release changes. It gets its own account,
     configuration and network policy, because those of the release are not there yet on the first install.
     Takes root and run: command, args, timeoutSeconds and resources. */}}
{{- define "service-common.migration" -}}
{{- $name := printf "%s-migration" (include "service-common.name" .root) -}}
{{- $account := $name -}}
{{- if not .root.Values.serviceAccount.create -}}
{{- $account = include "service-common.account" .root -}}
{{- end -}}
{{- $all := dict "root" .root "component" "migration" "name" $name "account" $account "hook" true }}
---
{{ include "service-common.serviceAccount" $all }}
---
{{ include "service-common.config" $all }}
{{ include "service-common.externalSecrets" $all }}
---
{{ include "service-common.networkPolicy" $all }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ $name | quote }}
  labels:
    {{- include "service-common.labels" $all | nindent 4 }}
  annotations:
    {{- include "service-common.hook" "0" | nindent 4 }}
spec:
  backoffLimit: 0
  completions: 1
  parallelism: 1
  activeDeadlineSeconds: {{ .run.timeoutSeconds | int64 }}
  template:
    metadata:
      {{- include "service-common.podMetadata" $all | nindent 6 }}
    spec:
      restartPolicy: Never
      {{- $own := printf "%s\n%s" (include "service-common.command" .run) (dict "resources" .run.resources | toYaml) | trim }}
      {{- include "service-common.pod" (set $all "container" $own) | nindent 6 }}
{{- end -}}
