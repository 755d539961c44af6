package api

import (
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/sdk"
)

func (a *API) listAutofillParameters(c *call) error {
	templateID, malformed := c.templateID()
	list, err := a.Service.AutofillParameters(c.ctx(), c.actor, c.user(), templateID, malformed)
	if err != nil {
		return err
	}
	return c.ok(encodeEach(list, toUserParameter))
}

// templateID reads the one parameter of the query. The others are refused, apart
// from those that say who is asking.
func (c *call) templateID() (uuid.UUID, error) {
	const name = "template_id"
	p := parameters{call: c}
	id := p.id(name)
	if len(p.faults) == 0 && c.query(name) == "" {
		p.fault(name, fmt.Sprintf("Query param %q must be given", name))
	}
	for _, other := range slices.Sorted(maps.Keys(c.r.URL.Query())) {
		if other != name && !slices.Contains(credentialParameters, other) {
			p.fault(other, fmt.Sprintf("Query param %q is not known here", other))
		}
	}
	if len(p.faults) == 0 {
		return id, nil
	}
	return id, account.Invalid("Invalid query parameters.", p.faults...)
}

func (a *API) recordAutofillParameters(c *call) error {
	var req sdk.RecordAutofillParametersRequest
	malformed := c.read(&req)
	build, stored, err := a.Service.RecordBuild(c.ctx(), c.actor, c.user(), newBuild(req), malformed)
	if err != nil {
		return err
	}
	return c.created(sdk.RecordAutofillParametersResponse{
		TemplateID:  build.TemplateID,
		WorkspaceID: build.WorkspaceID,
		Transition:  sdk.WorkspaceTransition(build.Transition),
		CreatedAt:   build.CreatedAt,
		Parameters:  encodeEach(stored, toUserParameter),
	})
}

func newBuild(req sdk.RecordAutofillParametersRequest) account.Build {
	build := account.Build{
		TemplateID:  req.TemplateID,
		WorkspaceID: req.WorkspaceID,
		Transition:  string(req.Transition),
		CreatedAt:   req.CreatedAt,
	}
	if req.Parameters == nil { // which is not an empty list
		return build
	}
	build.Parameters = encodeEach(req.Parameters, func(p sdk.BuildParameter) account.BuildParameter {
		return account.BuildParameter{Parameter: account.Parameter{Name: p.Name, Value: p.Value}, Ephemeral: p.Ephemeral}
	})
	return build
}

func toUserParameter(p account.Parameter) sdk.UserParameter {
	return sdk.UserParameter{Name: p.Name, Value: p.Value}
}
