package bench_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"usher/internal/account"
	"usher/sdk"
)

// The names that people of a large deployment have; the first of them are more
// common than the last.
const (
	givenNames = `anna maria hannah joanna johanna susanna peter alexander alexandra christian christina michael michaela
		thomas andreas elena frank greta hans irina jonas katja lars nils olga quinn rosa stefan tina ulrich vera walter xenia
		yusuf zoe emma olivia liam noah amelia oscar hugo ines pablo sofia ravi priya chen wei ming yuki hiro kenji fatima omar
		leila ahmed aisha kofi ama thandi sipho jose carlos lucia mateo camila diego pierre camille jules marie luca giulia
		marco chiara piotr agnieszka jan ewa ivan natasha dmitri svetlana bjorn astrid sven ingrid mika aino juha sanna`
	familyNames = `smith jones brown taylor wilson evans walker wright roberts green hall wood harris martin jackson clarke
		clark turner hill scott cooper morris ward moore king watson baker harrison morgan patel young allen mitchell james
		anderson phillips lee bell parker davis bennett miller cook shaw carter hermann johannsen garcia lopez silva santos rossi
		ferrari muller schmidt weber novak kowalski ivanov petrov kumar singh wang zhang tanaka suzuki okafor mensah dlamini
		larsson nilsson virtanen korhonen dubois moreau leroy bianchi romano nowak wisniewski horvat popescu papadopoulos yilmaz
		kaya haddad rahman hossain nguyen tran kim park choi sato takahashi`
)

// person is what a user of the measured deployment is like: all of it follows
// from its number, so that every answer can be checked without keeping a million.
type person struct {
	sdk.ImportUser
}

// organizations of the deployment; the first is the default one.
var largeOrganizations = []string{"default", "research", "field-work"}

// newPerson makes the nth of them: 5 % are suspended, 10 % dormant, 1 % have a
// role, 1 % are service accounts, and a tenth was never seen.
func newPerson(n int, now time.Time) person {
	random := rand.New(rand.NewPCG(uint64(n), 7))
	given, family := pick(random, givenNames), pick(random, familyNames)
	p := person{ImportUser: sdk.ImportUser{
		Username: fmt.Sprintf("%s-%s-%d", given, family, n), Name: title(given) + " " + title(family),
		Email:     fmt.Sprintf("%s.%s.%d@%s", given, family, n, []string{"example.com", "example.com", "example.com", "corp.example.org", "mail.test"}[n%5]),
		LoginType: []sdk.LoginType{"password", "password", "oidc", "oidc", "oidc", "github"}[random.IntN(6)],
		Status:    sdk.UserStatusActive, Organizations: largeOrganizations[:1+random.IntN(len(largeOrganizations))],
		CreatedAt: now.Add(-800 * day), LastSeenAt: now.Add(-time.Duration(random.Int64N(int64(730 * day)))).Truncate(time.Microsecond),
	}}
	switch {
	case n%20 == 0:
		p.Status = sdk.UserStatusSuspended
	case n%10 == 1:
		p.Status = sdk.UserStatusDormant
	case n%100 == 3:
		p.Roles = []string{[]string{"auditor", "auditor", "user-admin", "template-admin"}[random.IntN(4)]}
	case n%100 == 7:
		p.ServiceAccount, p.Email, p.LoginType = true, "", sdk.LoginTypeNone
	}
	if p.LoginType == sdk.LoginTypePassword {
		p.PasswordHash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	}
	if random.IntN(10) == 0 {
		p.LastSeenAt = time.Time{}
	}
	return p
}

const day = 24 * time.Hour

// pick prefers the beginning of a list.
func pick(random *rand.Rand, names string) string {
	list := strings.Fields(names)
	return list[min(random.IntN(len(list)), random.IntN(len(list)))]
}

func title(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

// writePeople writes a file for usher users import.
func writePeople(to io.Writer, count int, now time.Time) error {
	encoder := json.NewEncoder(to)
	for n := range count {
		if err := encoder.Encode(newPerson(n, now).ImportUser); err != nil {
			return err
		}
	}
	return nil
}

// question is a search, and what a user must be like to be found.
type question struct {
	name    string
	query   string
	matches func(p person) bool
	owner   bool          // the first user, who is none of the people, is found too
	goal    time.Duration // of the half of the answers, at a million users; 0 is none
}

func contains(part string) func(person) bool {
	return func(p person) bool { return strings.Contains(p.Username, part) || strings.Contains(p.Email, part) }
}

func all(conditions ...func(person) bool) func(person) bool {
	return func(p person) bool {
		for _, holds := range conditions {
			if !holds(p) {
				return false
			}
		}
		return true
	}
}

// questions are those that are measured. The rare part is somebody's own name.
func questions(count int, now time.Time) []question {
	const fewGoal, manyGoal, filterGoal = 10 * time.Millisecond, 150 * time.Millisecond, 20 * time.Millisecond
	halfYear, week, yesterday := now.Add(-180*day), now.Add(-7*day), now.Add(-day)
	rare := newPerson(count/3, now).Username
	suspended := func(p person) bool { return p.Status == sdk.UserStatusSuspended }
	auditor := func(p person) bool { return len(p.Roles) > 0 && p.Roles[0] == account.RoleAuditor }
	oidc := func(p person) bool { return p.LoginType == sdk.LoginTypeOIDC }
	robot := func(p person) bool { return p.ServiceAccount }
	before := func(moment time.Time) func(person) bool {
		return func(p person) bool { return !p.LastSeenAt.After(moment) }
	}
	seen := func(key string, moment time.Time) string {
		return fmt.Sprintf("%s:%q", key, moment.Format(time.RFC3339))
	}
	return []question{
		{"few: a whole username", rare, contains(rare), false, fewGoal},
		{"few: the end of a username", rare[len(rare)/3:], contains(rare[len(rare)/3:]), false, fewGoal},
		{"few: nobody", "xyzzy-plugh", contains("xyzzy-plugh"), false, fewGoal},
		{"many: three letters, ann", "ann", contains("ann"), false, manyGoal},
		{"many: a name, anna", "anna", contains("anna"), false, manyGoal},
		{"many: a name, smith", "smith", contains("smith"), false, manyGoal},
		{"many: a name late in the order, yuki", "yuki", contains("yuki"), false, manyGoal},
		{"many: two letters, an", "an", contains("an"), false, manyGoal},
		{"many: one letter, a", "a", contains("a"), true, manyGoal},
		{"two letters that nobody has, qz", "qz", contains("qz"), false, 0},
		{"many: the domain of most", "example.com", contains("example.com"), false, manyGoal},
		{"status:suspended", "status:suspended", suspended, false, filterGoal},
		{"status:active", "status:active", func(p person) bool { return p.Status == sdk.UserStatusActive }, true, filterGoal},
		{"role:auditor", "role:auditor", auditor, false, filterGoal},
		{"login_type:oidc", "login_type:oidc", oidc, false, filterGoal},
		{"service_account:true", "service_account:true", robot, false, filterGoal},
		{"last_seen_before: half a year ago", seen("last_seen_before", halfYear), before(halfYear), false, filterGoal},
		{"last_seen_after and _before: some days", seen("last_seen_after", week) + " " + seen("last_seen_before", yesterday), all(before(yesterday), func(p person) bool { return !p.LastSeenAt.Before(week) }), false, filterGoal},
		{"status and role", "status:suspended role:auditor", all(suspended, auditor), false, filterGoal},
		{"status and login type", "status:suspended login_type:oidc", all(suspended, oidc), false, filterGoal},
		{"status and service account", "status:suspended service_account:true", all(suspended, robot), false, filterGoal},
		{"status and last seen", "status:suspended " + seen("last_seen_before", halfYear), all(suspended, before(halfYear)), false, filterGoal},
		{"role and login type", "role:auditor login_type:oidc", all(auditor, oidc), false, filterGoal},
		{"role and last seen", "role:auditor " + seen("last_seen_before", halfYear), all(auditor, before(halfYear)), false, filterGoal},
		{"login type and last seen", "login_type:oidc " + seen("last_seen_before", halfYear), all(oidc, before(halfYear)), false, filterGoal},
		{"service account and last seen", "service_account:true " + seen("last_seen_before", halfYear), all(robot, before(halfYear)), false, filterGoal},
		{"part and status", "smith status:suspended", all(contains("smith"), suspended), false, 0},
		{"name:smith", "name:smith", func(p person) bool { return strings.Contains(strings.ToLower(p.Name), "smith") }, false, 0},
	}
}

// expectation is what a question is answered with: how many there are, and the
// names of the first.
type expectation struct {
	count int
	first []string
}

// expect finds the answers to all questions by looking at each person.
func expect(list []question, count int, now time.Time) []expectation {
	answers := make([]expectation, len(list))
	for n := range count {
		p := newPerson(n, now)
		for i, q := range list {
			if q.matches(p) {
				answers[i].count++
				answers[i].keep(p.Username)
			}
		}
	}
	return answers
}

// keep keeps the least names, in their order.
func (e *expectation) keep(name string) {
	at := len(e.first)
	for at > 0 && e.first[at-1] > name {
		at--
	}
	if at == pageSize {
		return
	}
	e.first = append(e.first[:at], append([]string{name}, e.first[at:]...)...)
	e.first = e.first[:min(len(e.first), pageSize)]
}

// pageSize is how many users a measured page has.
const pageSize = 25
