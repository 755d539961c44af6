package account

import (
	"slices"
	"strings"
)

// The scopes that stand for more than one pair.
const (
	ScopeAll                = "coder:all"
	ScopeApplicationConnect = "coder:application_connect"
)

// compositeScopes are the named bundles (auth.md, section 5.2).
var compositeScopes = map[string]Permissions{
	ScopeAll:                everything(),
	ScopeApplicationConnect: {ResourceWorkspace: 1 << ActionApplicationConnect},
	"coder:workspaces.create": {
		ResourceTemplate:           setR | 1<<ActionUse,
		ResourceWorkspace:          setC | setR | setU | 1<<ActionStart | 1<<ActionStop,
		ResourceOrganizationMember: setR,
	},
	"coder:workspaces.operate": {
		ResourceTemplate:           setR,
		ResourceWorkspace:          setR | setU | 1<<ActionStart | 1<<ActionStop,
		ResourceOrganizationMember: setR,
	},
	"coder:workspaces.delete": {
		ResourceTemplate:           setR | 1<<ActionUse,
		ResourceWorkspace:          setR | setD,
		ResourceOrganizationMember: setR,
	},
	"coder:workspaces.access": {
		ResourceTemplate:           setR,
		ResourceWorkspace:          setR | 1<<ActionSSH | 1<<ActionApplicationConnect,
		ResourceOrganizationMember: setR,
	},
	"coder:templates.build": {
		ResourceTemplate:        setR,
		ResourceFile:            setC | setR,
		ResourceProvisionerJobs: setR,
	},
	"coder:templates.author": {
		ResourceTemplate: setCRUD | 1<<ActionViewInsights,
		ResourceFile:     setC | setR,
	},
	"coder:apikeys.manage_self": {ResourceAPIKey: setCRUD},
}

// publicPairs are the low-level scopes that a person may ask for, by resource.
var publicPairs = map[Resource]ActionSet{
	ResourceAPIKey:       setCRUD,
	ResourceFile:         setC | setR,
	ResourceOrganization: setR | setU | setD,
	ResourceTask:         setCRUD,
	ResourceTemplate:     setCRUD | 1<<ActionUse,
	ResourceUser:         setOwn,
	ResourceUserSecret:   setCRUD,
	ResourceUserSkill:    setCRUD,
	ResourceWorkspace: setCRUD | 1<<ActionApplicationConnect | 1<<ActionSSH |
		1<<ActionStart | 1<<ActionStop,
}

// PublicScopes returns the names that can be asked for, sorted bytewise.
func PublicScopes() []string {
	names := []string{}
	for name := range compositeScopes {
		names = append(names, name)
	}
	for resource, set := range publicPairs {
		names = append(names, resource.String()+":*")
		for _, action := range set.List() {
			names = append(names, resource.String()+":"+action.String())
		}
	}
	slices.Sort(names)
	return names
}

// IsPublicScope reports whether a person may ask for the scope.
func IsPublicScope(name string) bool {
	if _, composite := compositeScopes[name]; composite {
		return true
	}
	resource, set, ok := parsePair(name)
	if !ok {
		return false
	}
	public := publicPairs[resource]
	return public != 0 && (strings.HasSuffix(name, ":*") || set&^public == 0)
}

// CanonicalScope replaces the two legacy names by what they mean.
func CanonicalScope(name string) string {
	switch name {
	case "all":
		return ScopeAll
	case "application_connect":
		return ScopeApplicationConnect
	}
	return name
}

// ExpandScopes returns the union of what the scopes grant. A name that nobody
// knows grants nothing: a stored key never becomes unreadable, nor wider.
func ExpandScopes(names []string) Permissions {
	var granted Permissions
	for _, name := range names {
		if bundle, composite := compositeScopes[name]; composite {
			granted.Union(&bundle)
			continue
		}
		if resource, set, ok := parsePair(name); ok {
			granted[resource] |= set
		}
	}
	return granted
}
