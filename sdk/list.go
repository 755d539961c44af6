package sdk

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/google/uuid"
)

// UsersRequest selects users. Its zero value selects all of them.
type UsersRequest struct {
	// Search is the q parameter: words that match a part of the username or the
	// e-mail, and filters such as "status:active" or "role:owner,auditor". The
	// server answers 400 with one validation per fault where it does not parse.
	Search string
	// AfterID is the last user of the page before; uuid.Nil means the start.
	AfterID uuid.UUID
	// Limit is the length of a page; 0 means no limit.
	Limit int
	// Offset is the number of users to skip after AfterID.
	Offset int
}

// GetUsersResponse is one page of users.
type GetUsersResponse struct {
	// Users are ordered by username, regardless of case. Never null.
	Users []User `json:"users"`
	// Count is the number of users that match the search and that the caller
	// may read, whatever the page.
	Count int `json:"count"`
}

// Users returns one page of the users that the caller may read.
func (c *Client) Users(ctx context.Context, req UsersRequest) (GetUsersResponse, error) {
	var result GetUsersResponse
	err := c.do(ctx, call{
		method: http.MethodGet,
		path:   []string{"users"},
		query:  req.query(),
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}

// AllUsers walks over all users that match, fetching page after page. The first
// page begins at AfterID and Offset; Limit is the length of a page, where 0 means
// 1000. After an error, which comes with a zero User, the walk is over.
//
// The pages are separate requests: a user who is created, deleted or renamed
// meanwhile may be missed or seen twice; everyone else is seen exactly once.
func (c *Client) AllUsers(ctx context.Context, req UsersRequest) iter.Seq2[User, error] {
	return func(yield func(User, error) bool) {
		page := req
		if page.Limit == 0 {
			page.Limit = 1000
		}
		for {
			response, err := c.Users(ctx, page)
			if err != nil {
				yield(User{}, err)
				return
			}
			for _, user := range response.Users {
				if !yield(user, nil) {
					return
				}
			}
			if len(response.Users) < page.Limit {
				return
			}
			last := response.Users[len(response.Users)-1].ID
			if last == page.AfterID {
				yield(User{}, errors.New("the server sends the same page of users again and again"))
				return
			}
			page.AfterID, page.Offset = last, 0
		}
	}
}

func (r UsersRequest) query() url.Values {
	query := pageQuery(r.Search, r.Limit, r.Offset)
	if r.AfterID != uuid.Nil {
		query.Set("after_id", r.AfterID.String())
	}
	return query
}

// pageQuery leaves out what has its default. Negative numbers are sent: the
// server says what is wrong with them.
func pageQuery(search string, limit, offset int) url.Values {
	query := url.Values{}
	if search != "" {
		query.Set("q", search)
	}
	if limit != 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	if offset != 0 {
		query.Set("offset", strconv.Itoa(offset))
	}
	return query
}
