{{/* Who a rule of the network policy is about. */}}
{{- define "service-common.peer" -}}
{{- if .cidr }}
- ipBlock:
    cidr: {{ .cidr | quote }}
    {{- with .except }}
    except:
      {{- range . }}
      - {{ . | quote }}
      {{- end }}
    {{- end }}
{{- else }}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ .namespace | quote }}
  {{- with .service }}
  podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Default deny in both directions, but for DNS and what is listed. A migration takes no connection. */}}
{{- define "service-common.networkPolicy" -}}
{{- $policy := .root.Values.networkPolicy -}}
{{- if $policy.enabled }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name | quote }}
  labels:
    {{- include "service-common.labels" . | nindent 4 }}
  {{- if .hook }}
  annotations:
    {{- include "service-common.hook" "-10" | nindent 4 }}
  {{- end }}
spec:
  podSelector:
    matchLabels:
      {{- include "service-common.selector" . | nindent 6 }}
  policyTypes:
    - Ingress
    - Egress
  {{- if and .port $policy.ingress }}
  ingress:
    {{- range $policy.ingress }}
    - from:
        {{- include "service-common.peer" . | trim | nindent 8 }}
      ports:
        - port: {{ $.port }}
          protocol: TCP
    {{- end }}
  {{- end }}
  egress:
    - to:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: kube-system
          podSelector:
            matchLabels:
              k8s-app: kube-dns
      ports:
        - port: 53
          protocol: UDP
        - port: 53
          protocol: TCP
    {{- range $policy.egress }}
    - to:
        {{- include "service-common.peer" . | trim | nindent 8 }}
      ports:
        {{- range .ports }}
        - port: {{ . }}
          protocol: TCP
        {{- end }}
    {{- end }}
{{- end }}
{{- end -}}
