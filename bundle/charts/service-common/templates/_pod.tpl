{{/* The fields of every pod: the restricted profile, its account, volumes and where it runs.
     Takes root, component, name, account and container (the text of the container's own fields). */}}
{{- define "service-common.pod" -}}
{{- $v := .root.Values -}}
serviceAccountName: {{ .account | quote }}
automountServiceAccountToken: {{ $v.serviceAccount.automountToken }}
enableServiceLinks: false
{{- with $v.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ $v.podSecurity.runAsUser | int64 }}
  runAsGroup: {{ $v.podSecurity.runAsGroup | int64 }}
  fsGroup: {{ $v.podSecurity.fsGroup | int64 }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
containers:
  - name: {{ .component | quote }}
    image: {{ include "service-common.image" .root | quote }}
    imagePullPolicy: IfNotPresent
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop:
          - ALL
    {{- with .container }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with include "service-common.environment" . | trim }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- if $v.volumes }}
    volumeMounts:
      {{- range $name, $volume := $v.volumes }}
      - name: {{ $name | quote }}
        mountPath: {{ $volume.mountPath | quote }}
        {{- if $volume.readOnly }}
        readOnly: true
        {{- end }}
      {{- end }}
    {{- end }}
{{- if $v.volumes }}
volumes:
  {{- range $name, $volume := $v.volumes }}
  - name: {{ $name | quote }}
    {{- if $volume.claim }}
    persistentVolumeClaim:
      claimName: {{ $volume.claim | quote }}
    {{- else }}
    emptyDir:
      sizeLimit: {{ $volume.size | quote }}
    {{- end }}
  {{- end }}
{{- end }}
{{- with $v.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $v.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What a container starts, in place of what the image says. */}}
{{- define "service-common.command" -}}
{{- with .command }}
command:
  {{- range . }}
  - {{ . | quote }}
  {{- end }}
{{- end }}
{{- with .args }}
args:
  {{- range . }}
  - {{ . | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* A change of the configuration is a rollout. */}}
{{- define "service-common.podMetadata" -}}
annotations:
  checksum/config: {{ dict "config" .root.Values.config "secrets" .root.Values.secrets | toJson | sha256sum }}
  {{- range $key, $value := .root.Values.podAnnotations }}
  {{ $key | quote }}: {{ $value | quote }}
  {{- end }}
labels:
  {{- include "service-common.selector" . | nindent 2 }}
  {{- range $key, $value := .root.Values.podLabels }}
  {{ $key | quote }}: {{ $value | quote }}
  {{- end }}
{{- end -}}
