package mcpotel

import (
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Keys of attributes, of metrics and spans alike.
const (
	endpointKey  = attribute.Key("mcpoauth.endpoint")
	methodKey    = attribute.Key("http.request.method")
	outcomeKey   = attribute.Key("mcpoauth.outcome")
	operationKey = attribute.Key("mcpoauth.store.operation")
	kindKey      = attribute.Key("mcpoauth.store.kind")
)

// other stands for what is in no list.
const other = "other"

// A label is a set of attributes, each with a value out of a list.
type label interface {
	comparable
	attributes() []attribute.KeyValue
}

// labels keeps each label that was used as OpenTelemetry wants it: a measurement then
// allocates nothing. It does not grow beyond the lists.
type labels[L label] struct {
	mu   sync.RWMutex // guards made
	made map[L][]metric.RecordOption
}

func (l *labels[L]) of(which L) []metric.RecordOption {
	l.mu.RLock()
	made := l.made[which]
	l.mu.RUnlock()
	if made != nil {
		return made
	}
	made = []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(which.attributes()...))}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.made == nil {
		l.made = make(map[L][]metric.RecordOption)
	}
	l.made[which] = made
	return made
}
