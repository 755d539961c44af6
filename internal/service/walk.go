package service

import "iter"

// chunk is how many rows of an unlimited list are read at a time; no transaction
// is open while a client reads.
const chunk = 500

// walk yields the rows that were read, and with more then chunk after chunk:
// next reads those that follow the last one.
func walk[T any](rows []T, more bool, next func(last T) ([]T, error)) iter.Seq2[T, error] {
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
			following, err := next(rows[len(rows)-1])
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			rows = following
		}
	}
}
