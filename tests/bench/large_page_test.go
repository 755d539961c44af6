package bench_test

import (
	"bufio"
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"
)

// figure is one thing that was measured. A positive goal is the least that it
// should be, a negative one the most, and 0 is none.
type figure struct {
	name, unit string
	value      float64
	goal       float64
	found      int // users that a question found; -1 where it was none
}

// figures are those of one engine with one number of users.
type figures struct {
	engine, version string
	users           int
	list            []figure
}

func (f *figures) note(name, unit string, value, goal float64) {
	f.list = append(f.list, figure{name: name, unit: unit, value: value, goal: goal, found: -1})
}

// noteTime notes a time, which should be no longer than the goal.
func (f *figures) noteTime(name string, took, goal time.Duration) {
	f.note(name, "ms", milliseconds(took), -milliseconds(goal))
}

func (f *figures) noteFound(name string, took, goal time.Duration, found int) {
	f.noteTime("q: "+name, took, goal)
	f.list[len(f.list)-1].found = found
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (f *figures) named(name string) (figure, bool) {
	at := slices.IndexFunc(f.list, func(other figure) bool { return other.name == name })
	if at < 0 {
		return figure{}, false
	}
	return f.list[at], true
}

// Goal says what the figure should be.
func (f figure) Goal() string {
	switch {
	case f.goal > 0:
		return "≥ " + number(f.goal)
	case f.goal < 0:
		return "≤ " + number(-f.goal)
	}
	return ""
}

// Met says whether it is.
func (f figure) Met() string {
	switch {
	case f.goal == 0:
		return ""
	case f.goal > 0 && f.value >= f.goal, f.goal < 0 && f.value <= -f.goal:
		return "yes"
	}
	return "**no**"
}

func number(v float64) string {
	switch {
	case math.Abs(v) >= 100:
		return fmt.Sprintf("%.0f", v)
	case math.Abs(v) >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// largeReport is what the page is made of.
type largeReport struct {
	began time.Time
	sizes []int
	runs  []*figures
}

func (r *largeReport) add(f *figures) { r.runs = append(r.runs, f) }

func (r *largeReport) of(engine string, users int) *figures {
	for _, run := range r.runs {
		if run.engine == engine && run.users == users {
			return run
		}
	}
	return &figures{}
}

//go:embed testdata/performance.tmpl
var pageText string

// write writes the page, and beside it a plot for each engine.
func (r *largeReport) write(path string) error {
	r.noteGrowth()
	for _, engine := range []string{"sqlite", "postgres"} {
		if err := os.WriteFile(plotPath(path, engine), []byte(r.plot(engine)), 0o644); err != nil {
			return err
		}
	}
	page, err := template.New("page").Funcs(template.FuncMap{"plot": func(engine string) string {
		return filepath.Base(plotPath(path, engine))
	}}).Parse(pageText)
	if err != nil {
		return err
	}
	largest := slices.Max(r.sizes)
	var text bytes.Buffer
	err = page.Execute(&text, map[string]any{
		"Machine": machine(), "Date": r.began.Format(time.DateOnly), "Users": grouped(largest),
		"SQLite": r.table("sqlite", largest), "Postgres": r.table("postgres", largest),
		"SQLiteVersion": r.of("sqlite", largest).version, "PostgresVersion": r.of("postgres", largest).version,
		"SQLiteSizes": r.bySize("sqlite"), "PostgresSizes": r.bySize("postgres"),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}

// noteGrowth notes how much longer the first page takes with the most users than
// with ten thousand, or the fewest.
func (r *largeReport) noteGrowth() {
	from, most := slices.Min(r.sizes), slices.Max(r.sizes)
	if slices.Contains(r.sizes, 10_000) {
		from = 10_000
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		small, _ := r.of(engine, from).named("first page with its number")
		if large, ok := r.of(engine, most).named("first page with its number"); ok && small.value > 0 {
			r.of(engine, most).note("first page, of that with "+grouped(from)+" users", "times", large.value/small.value, -1.5)
		}
	}
}

func plotPath(page, engine string) string {
	return strings.TrimSuffix(page, filepath.Ext(page)) + "-" + engine + ".svg"
}

// machine says what it was measured on, as far as the system tells.
func machine() string {
	model := "an unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	memory := ""
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kibi int64
		if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kibi); err == nil {
			memory = fmt.Sprintf(", %d GiB of memory", (kibi+1<<19)>>20)
		}
	}
	kernel := runtime.GOOS
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		kernel += " " + strings.TrimSpace(string(text))
	}
	return fmt.Sprintf("%d cores of %s%s, %s, %s, %s", runtime.NumCPU(), model, memory, kernel, runtime.GOARCH, runtime.Version())
}

// grouped writes a number with commas.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// table has every figure of one run.
func (r *largeReport) table(engine string, users int) string {
	var out strings.Builder
	out.WriteString("| What | Measured | Goal | Met |\n|---|---:|---:|---|\n")
	for _, f := range r.of(engine, users).list {
		name := f.name
		if f.found >= 0 {
			name += fmt.Sprintf(" (%s found)", grouped(f.found))
		}
		fmt.Fprintf(&out, "| %s | %s %s | %s | %s |\n", strings.ReplaceAll(name, "|", `\|`), number(f.value), f.unit, f.Goal(), f.Met())
	}
	return out.String()
}

// bySize has the times for each number of users.
func (r *largeReport) bySize(engine string) string {
	var out strings.Builder
	out.WriteString("| ms |")
	for _, size := range r.sizes {
		fmt.Fprintf(&out, " %s |", grouped(size))
	}
	fmt.Fprintf(&out, "\n|---|%s\n", strings.Repeat("---:|", len(r.sizes)))
	for _, f := range r.of(engine, slices.Max(r.sizes)).list {
		if f.unit != "ms" {
			continue
		}
		fmt.Fprintf(&out, "| %s |", f.name)
		for _, size := range r.sizes {
			if there, ok := r.of(engine, size).named(f.name); ok {
				fmt.Fprintf(&out, " %s |", number(there.value))
			} else {
				out.WriteString("  |")
			}
		}
		out.WriteString("\n")
	}
	return out.String()
}

// plotted are the figures that the plot has, with their colours, which can be told
// apart on light and on dark.
var plotted = []struct{ name, colour string }{
	{"first page with its number", "#2b7de9"},
	{"offset of 90 % of all", "#8a63d2"},
	{"q: few: a whole username", "#1a9e77"},
	{"q: many: three letters, ann", "#d9822b"},
	{"q: many: two letters, an", "#d64545"},
	{"q: status and last seen", "#7f8c8d"},
}

const (
	plotWidth, plotHeight = 720, 400
	plotLeft, plotTop     = 60, 20
	plotRight, plotBottom = 260, 50
)

// plot draws the times over the number of users, both axes logarithmic.
func (r *largeReport) plot(engine string) string {
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&out, "<title>Half of the answers take at most so long, by number of users, on %s</title>\n", engine)
	out.WriteString("<style>text{fill:#555}line{stroke:#8888;stroke-width:1}@media(prefers-color-scheme:dark){text{fill:#bbb}}</style>\n")
	least, most := slices.Min(r.sizes), slices.Max(r.sizes)
	x := func(users int) float64 {
		span := math.Max(1e-9, math.Log10(float64(most))-math.Log10(float64(least)))
		return plotLeft + (math.Log10(float64(users))-math.Log10(float64(least)))/span*(plotWidth-plotLeft-plotRight)
	}
	y := func(ms float64) float64 {
		return plotHeight - plotBottom - (math.Log10(math.Max(ms, 0.1))+1)/4*(plotHeight-plotTop-plotBottom)
	}
	for _, ms := range []float64{0.1, 1, 10, 100, 1000} {
		fmt.Fprintf(&out, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end">%v ms</text>`+"\n",
			plotLeft, plotWidth-plotRight, y(ms), y(ms), plotLeft-6, y(ms)+4, ms)
	}
	for _, size := range r.sizes {
		fmt.Fprintf(&out, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x(size), plotHeight-plotBottom+18, grouped(size))
	}
	fmt.Fprintf(&out, `<text x="%d" y="%d" text-anchor="middle">users</text>`+"\n", (plotLeft+plotWidth-plotRight)/2, plotHeight-10)
	for i, line := range plotted {
		var points []string
		for _, size := range r.sizes {
			if f, ok := r.of(engine, size).named(line.name); ok {
				points = append(points, fmt.Sprintf("%.1f,%.1f", x(size), y(f.value)))
				fmt.Fprintf(&out, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x(size), y(f.value), line.colour)
			}
		}
		fmt.Fprintf(&out, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), line.colour)
		fmt.Fprintf(&out, `<rect x="%d" y="%d" width="12" height="3" fill="%s"/><text x="%d" y="%d">%s</text>`+"\n",
			plotWidth-plotRight+16, plotTop+20*i+8, line.colour, plotWidth-plotRight+34, plotTop+20*i+14, line.name)
	}
	out.WriteString("</svg>\n")
	return out.String()
}

// checkPage reads the page as somebody would: everything that was measured is in
// it, with a word about each goal.
func checkPage(t *testing.T, path string, r *largeReport) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if strings.HasSuffix(lines.Text(), "| yes |") || strings.HasSuffix(lines.Text(), "| **no** |") {
			rows++
		}
	}
	goals := 0
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, f := range r.of(engine, slices.Max(r.sizes)).list {
			if !strings.Contains(string(text), f.name) {
				t.Errorf("the page lacks %q", f.name)
			}
			if f.goal != 0 {
				goals++
			}
		}
	}
	if rows != goals || goals < 60 {
		t.Errorf("the page has a word about %d goals, want %d", rows, goals)
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		plot, err := os.ReadFile(plotPath(path, engine))
		if err != nil || strings.Count(string(plot), "<circle") != len(plotted)*len(r.sizes) {
			t.Errorf("the plot of %s lacks something (%v)", engine, err)
		}
	}
}
