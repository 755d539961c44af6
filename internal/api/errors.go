package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"usher/internal/account"
	"usher/sdk"
)

// statuses is where a kind of error becomes a number.
var statuses = map[account.Kind]int{
	account.KindInvalid:         http.StatusBadRequest,
	account.KindUnauthenticated: http.StatusUnauthorized,
	account.KindForbidden:       http.StatusForbidden,
	account.KindNotFound:        http.StatusNotFound,
	account.KindConflict:        http.StatusConflict,
	account.KindPrecondition:    http.StatusExpectationFailed,
	account.KindTooMany:         http.StatusTooManyRequests,
	account.KindUnavailable:     http.StatusServiceUnavailable,
	account.KindInternal:        http.StatusInternalServerError,
}

// outcomeStatuses is where the outcome of an audited attempt becomes a number.
var outcomeStatuses = map[account.Outcome]int{
	account.OutcomeOK:        http.StatusOK,
	account.OutcomeCreated:   http.StatusCreated,
	account.OutcomeNoContent: http.StatusNoContent,
}

func statusOfOutcome(outcome account.Outcome) int {
	if status, ok := outcomeStatuses[outcome]; ok {
		return status
	}
	return statuses[account.Kind(outcome)]
}

// refusal is an error of HTTP itself, of which the rooms below know nothing.
type refusal struct {
	status  int
	message string
}

// Error implements error.
func (r *refusal) Error() string { return r.message }

func refuse(status int, message string) error { return &refusal{status: status, message: message} }

func bodyTooLarge() error {
	return refuse(http.StatusRequestEntityTooLarge, "The request body is larger than 1 MiB.")
}

// fail answers with an error in the common body. An error that nobody foresaw
// says nothing of its cause: that is in the log, under the request id.
func (c *call) fail(err error) {
	c.failure = err
	if c.w.status != 0 || errors.Is(err, context.Canceled) && c.ctx().Err() != nil {
		return // the answer is under way, or nobody waits for it
	}
	status, body, retryAfter := describe(err)
	c.retryAfter(retryAfter)
	if err := c.tell(status, body); err != nil {
		c.w.WriteHeader(http.StatusInternalServerError)
	}
}

// tell answers with an error in the form that the client reads.
func (c *call) tell(status int, body sdk.Response) error {
	if c.wantsPage() {
		return c.failPage(status, body)
	}
	return c.write(status, body)
}

// retryAfter asks the client to wait, if there is anything to wait for.
func (c *call) retryAfter(wait time.Duration) {
	if wait > 0 {
		c.w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	}
}

func describe(err error) (status int, body sdk.Response, retryAfter time.Duration) {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.status, sdk.Response{Message: r.message}, 0
	}
	e, ok := errors.AsType[*account.Error](err)
	if !ok {
		return http.StatusInternalServerError, sdk.Response{Message: "An internal server error occurred."}, 0
	}
	body = sdk.Response{Message: e.Message, Detail: e.Detail}
	for _, f := range e.Fields {
		body.Validations = append(body.Validations, sdk.ValidationError{Field: f.Field, Detail: f.Detail})
	}
	return statuses[e.Kind], body, e.RetryAfter
}
