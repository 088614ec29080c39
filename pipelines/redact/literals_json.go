package redact

// sensitiveInJSON remembers which variables a .tf.json file marks.
func sensitiveInJSON(document map[string]any, sensitive map[string]bool) {
	eachBlock(document["variable"], func(name string, body map[string]any) {
		if mark, set := body["sensitive"]; set && mark != false {
			sensitive[name] = true
		}
	})
}

// eachBlock tells of blocks with one label, whose body may be a list of bodies.
func eachBlock(blocks any, tell func(name string, body map[string]any)) {
	switch b := blocks.(type) {
	case []any:
		for _, one := range b {
			eachBlock(one, tell)
		}
	case map[string]any:
		for name, body := range b {
			switch body := body.(type) {
			case map[string]any:
				tell(name, body)
			case []any:
				for _, one := range body {
					if one, ok := one.(map[string]any); ok {
						tell(name, one)
					}
				}
			}
		}
	}
}

// document collects a .tf.json file. Its strings are templates as a whole: only
// those without any are literals, and of the others nothing is known.
func (l Literals) document(document map[string]any, sensitive map[string]bool) {
	for kind, blocks := range document {
		if kind != "variable" && kind != "output" {
			l.value(blocks, false)
			continue
		}
		eachBlock(blocks, func(name string, body map[string]any) {
			mark, set := body["sensitive"]
			l.names[name] = true
			for key, value := range body {
				l.value(value, (key == "default" || key == "value") && (sensitive[name] || holdsSecret(name) || set && mark != false))
			}
		})
	}
}

func (l Literals) value(value any, secret bool) {
	switch v := value.(type) {
	case string:
		l.text(v, secret)
	case []any:
		for _, element := range v {
			l.value(element, secret)
		}
	case map[string]any:
		for key, element := range v {
			if !secret {
				l.names[key] = true
			}
			l.value(element, secret || holdsSecret(key))
		}
	}
}
