package sdk

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"
)

// CreateFirstUserRequest describes the first user of a deployment, who becomes
// its owner.
type CreateFirstUserRequest struct {
	Email    string `json:"email"`
	Username string `json:"username"`
	// Name is the real name: at most 128 bytes, no space at either end.
	Name     string `json:"name,omitempty"`
	Password string `json:"password"`
	// Trial, TrialInfo and OnboardingInfo are read for the sake of clients that
	// send them, and have no effect: nothing here is licensed or reported.
	Trial          bool                           `json:"trial,omitempty"`
	TrialInfo      CreateFirstUserTrialInfo       `json:"trial_info,omitzero"`
	OnboardingInfo *CreateFirstUserOnboardingInfo `json:"onboarding_info,omitempty"`
}

// CreateFirstUserTrialInfo is part of [CreateFirstUserRequest].
type CreateFirstUserTrialInfo struct {
	FirstName   string `json:"first_name"`
	LastName    string `json:"last_name"`
	PhoneNumber string `json:"phone_number"`
	JobTitle    string `json:"job_title"`
	CompanyName string `json:"company_name"`
	Country     string `json:"country"`
	Developers  string `json:"developers"`
}

// CreateFirstUserOnboardingInfo is part of [CreateFirstUserRequest].
type CreateFirstUserOnboardingInfo struct {
	NewsletterMarketing bool `json:"newsletter_marketing"`
	NewsletterReleases  bool `json:"newsletter_releases"`
}

// CreateFirstUserResponse names the new owner and the default organization.
type CreateFirstUserResponse struct {
	UserID         uuid.UUID `json:"user_id"`
	OrganizationID uuid.UUID `json:"organization_id"`
}

// HasFirstUser reports whether the deployment has any user. Before that
// [Client.CreateFirstUser] is the only thing to do. It needs no session.
func (c *Client) HasFirstUser(ctx context.Context) (bool, error) {
	err := c.do(ctx, call{
		method: http.MethodGet,
		path:   []string{"users", "first"},
		status: http.StatusOK,
	})
	var answer *Error
	if !errors.As(err, &answer) || answer.StatusCode != http.StatusNotFound {
		return err == nil, err
	}
	if answer.ServerVersion == "" {
		return false, fmt.Errorf("%s is not an Usher server: %w", printable(c.URL), err)
	}
	return false, nil
}

// CreateFirstUser makes the first user and owner. It needs no session and makes
// none; 409 means that there is a user already.
func (c *Client) CreateFirstUser(ctx context.Context, req CreateFirstUserRequest) (CreateFirstUserResponse, error) {
	var result CreateFirstUserResponse
	err := c.do(ctx, call{
		method: http.MethodPost,
		path:   []string{"users", "first"},
		body:   req,
		status: http.StatusCreated,
		result: &result,
	})
	return result, err
}
