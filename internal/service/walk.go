package service

import (
	"context"
	"iter"

	"usher/internal/store"
)

// chunk is how many rows of an unlimited list are read at a time; no transaction
// is open while a client reads.
const chunk = 500

// beginning is the page, or the first chunk of it where it is unlimited.
func beginning(page Page) store.UserPage {
	first := store.UserPage{AfterID: page.AfterID, Limit: page.Limit, Offset: page.Offset}
	if first.Limit == 0 {
		first.Limit = chunk
	}
	return first
}

// walk yields the rows that were read, and with more then chunk after chunk:
// next reads those that follow the last one. Each chunk has all the patience of
// one request: the client has its answer, and waits for its end.
func walk[T any](ctx context.Context, rows []T, more bool, next func(ctx context.Context, last T) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for rows := rows; ; {
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if !more || len(rows) < chunk {
				return
			}
			following, err := next(store.WithPatience(ctx), rows[len(rows)-1])
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			rows = following
		}
	}
}
