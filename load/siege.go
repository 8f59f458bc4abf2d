package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/load/target"
)

// A siege is honest calls of one handler, and a flood beside them.
type siege struct {
	calling, flooders *crowd
	took              [2][]time.Duration // without the flood, and with it
	asked             int                // by the flood
	ratios            []float64          // of the p99, of each round
}

func newSiege(ctx context.Context, server *target.Server, path string, flood [][]byte) (*siege, error) {
	calling, err := newCrowd(ctx, "", server.Addr, honest, calls(server, path), ok)
	if err != nil {
		return nil, err
	}
	flooders, err := newCrowd(ctx, floodsFrom, server.Addr, flooding, flood, func(status int) bool { return status < 500 })
	if err != nil {
		calling.close()
		return nil, err
	}
	return &siege{calling: calling, flooders: flooders}, nil
}

func (s *siege) close() {
	s.calling.close()
	s.flooders.close()
}

// round measures for two slices. The first round is for warming up, and not kept: after it
// the address of the flood is over its limits.
func (s *siege) round(round int, slice time.Duration) error {
	var p99 [2]time.Duration
	for turn := range 2 {
		flooded := (turn + round) % 2
		took, asked, err := s.turn(flooded == 1, time.Now().Add(slice))
		if err != nil {
			return err
		}
		p99[flooded] = perf.Quantile(took, 0.99)
		if round > 0 {
			s.took[flooded] = append(s.took[flooded], took...)
			s.asked += asked
		}
	}
	if round > 0 {
		s.ratios = append(s.ratios, float64(p99[1])/float64(p99[0]))
	}
	return nil
}

// turn calls until a time, and returns how long each call took and how much the flood asked.
func (s *siege) turn(flooded bool, until time.Time) (took []time.Duration, asked int, err error) {
	var floodErr error
	var wg sync.WaitGroup
	if flooded {
		wg.Go(func() {
			var sent []time.Duration
			sent, floodErr = s.flooders.drive(until)
			asked = len(sent)
		})
	}
	took, err = s.calling.drive(until)
	wg.Wait()
	return took, asked, errors.Join(err, floodErr)
}

func (s *siege) row(name string, lasted time.Duration) string {
	without, with := s.took[0], s.took[1]
	seconds := lasted.Seconds()
	return fmt.Sprintf("%-24s  %8.0f  %8.0f → %8.0f  %9.1f → %9.1f  %10.1f → %10.1f  %4.2fx", name, float64(s.asked)/seconds,
		float64(len(without))/seconds, float64(len(with))/seconds, micros(perf.Quantile(without, 0.5)), micros(perf.Quantile(with, 0.5)),
		micros(perf.Quantile(without, 0.99)), micros(perf.Quantile(with, 0.99)), perf.Median(s.ratios))
}
