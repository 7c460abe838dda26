// The peers that are Go modules: OPA, cel-go, casbin and the limiter of golang.org/x/time. compare.py tells what
// a program of peers reads and prints.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/casbin/casbin/v3"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"golang.org/x/time/rate"
)

type call struct {
	Tool      string `json:"tool"`
	Arguments string `json:"arguments"`
	Allowed   bool   `json:"allowed"`
}

type subject struct {
	Workload string `json:"workload"`
	Package  string `json:"package"`
	Form     string `json:"form"`
	decide   func() bool
}

type result struct {
	Ns          float64 `json:"ns"`
	P50Ns       int64   `json:"p50_ns"`
	P99Ns       int64   `json:"p99_ns"`
	Allocations float64 `json:"allocations"`
}

func expect(right bool, what string) {
	if !right {
		fmt.Fprintln(os.Stderr, "wrong answer:", what)
		os.Exit(2)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return value
}

func parse(text string) map[string]any {
	var value map[string]any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return value
}

// engine tells what a host does with each call's text, and what is left when the engine's own value has been made
// beforehand.
type engine[T any] struct {
	pkg, form  string
	prepare    func(tool, arguments string) T
	decide     func(T) bool
	decideText func(tool, arguments string) bool
}

func add[T any](subjects []subject, e engine[T], timed call, checked []call) []subject {
	text := e.decideText
	if text == nil {
		text = func(tool, arguments string) bool { return e.decide(e.prepare(tool, arguments)) }
	}
	for _, c := range append(slices.Clone(checked), timed) {
		what := e.pkg + ": " + c.Tool + " " + c.Arguments
		expect(text(c.Tool, c.Arguments) == c.Allowed, what)
		expect(e.decide(e.prepare(c.Tool, c.Arguments)) == c.Allowed, what)
	}
	prepared := e.prepare(timed.Tool, timed.Arguments)
	return append(subjects,
		subject{"charge_text", e.pkg, e.form, func() bool { return text(timed.Tool, timed.Arguments) }},
		subject{"charge_prepared", e.pkg, e.form, func() bool { return e.decide(prepared) }})
}

func opa(policy string) engine[ast.Value] {
	ctx := context.Background()
	query := must(rego.New(rego.Query("data.charge.allow"), rego.Module("charge.rego", policy)).PrepareForEval(ctx))
	return engine[ast.Value]{
		pkg:  "github.com/open-policy-agent/opa",
		form: "PreparedEvalQuery.Eval",
		prepare: func(tool, arguments string) ast.Value {
			// As its server reads an input.
			return ast.NewObject(
				[2]*ast.Term{ast.StringTerm("tool"), ast.StringTerm(tool)},
				[2]*ast.Term{ast.StringTerm("arguments"), ast.NewTerm(must(ast.ValueFromReader(strings.NewReader(arguments))))})
		},
		decide: func(input ast.Value) bool {
			results, err := query.Eval(ctx, rego.EvalParsedInput(input))
			return err == nil && results.Allowed()
		},
	}
}

func celGo(expression string) engine[map[string]any] {
	env := must(cel.NewEnv(
		cel.Variable("tool", cel.StringType),
		cel.Variable("arguments", cel.MapType(cel.StringType, cel.DynType))))
	checked, issues := env.Compile(expression)
	must(0, issues.Err())
	program := must(env.Program(checked, cel.EvalOptions(cel.OptOptimize)))
	return engine[map[string]any]{
		pkg:  "cel.dev/cel-go",
		form: "Program.Eval",
		prepare: func(tool, arguments string) map[string]any {
			return map[string]any{"tool": tool, "arguments": parse(arguments)}
		},
		decide: func(input map[string]any) bool {
			value, _, err := program.Eval(input)
			return err == nil && value.Value() == true
		},
	}
}

type casbinRequest struct {
	tool      string
	arguments map[string]any
}

func casbinEngine(model string) engine[casbinRequest] {
	make := func(takesText bool) *casbin.Enforcer {
		enforcer := must(casbin.NewEnforcer(model))
		must(enforcer.AddPolicy("charge"))
		enforcer.EnableAcceptJsonRequest(takesText)
		return enforcer
	}
	ofText, ofValues := make(true), make(false)
	return engine[casbinRequest]{
		pkg:  "github.com/casbin/casbin/v3",
		form: "Enforcer.Enforce",
		prepare: func(tool, arguments string) casbinRequest {
			return casbinRequest{tool, parse(arguments)}
		},
		decide: func(request casbinRequest) bool {
			allowed, err := ofValues.Enforce(request.tool, request.arguments)
			return err == nil && allowed
		},
		decideText: func(tool, arguments string) bool {
			allowed, err := ofText.Enforce(tool, arguments)
			return err == nil && allowed
		},
	}
}

// What Go hosts write: a limiter for each key.
type limiters struct {
	byKey sync.Map
	limit rate.Limit
	burst int
}

func (l *limiters) allow(key string) bool {
	limiter, found := l.byKey.Load(key)
	if !found {
		limiter, _ = l.byKey.LoadOrStore(key, rate.NewLimiter(l.limit, l.burst))
	}
	return limiter.(*rate.Limiter).Allow()
}

func addLimiter(subjects []subject) []subject {
	ten := limiters{limit: rate.Every(6 * time.Second), burst: 10}
	for _, key := range []string{"agent-1", "agent-2"} {
		for i := range 11 {
			expect(ten.allow(key) == (i < 10), "rate: ten a minute for each key")
		}
	}
	var keys [64]string
	for i := range keys {
		keys[i] = fmt.Sprint("agent-", i)
	}
	many := limiters{limit: 1e9, burst: 1e9}
	next := 0
	return append(subjects, subject{"limit", "golang.org/x/time", "sync.Map of rate.Limiter", func() bool {
		next = (next + 1) % len(keys)
		return many.allow(keys[next])
	}})
}

func processorNs() int64 {
	var usage syscall.Rusage
	must(0, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func mallocs() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.Mallocs
}

func measure(decide func() bool, decisions, timed int) result {
	right := true
	for range decisions / 10 {
		right = decide() && right
	}
	runtime.GC() // what others left behind is not this one's
	allocations, begin := mallocs(), processorNs()
	for range decisions {
		right = decide() && right
	}
	took, allocated := processorNs()-begin, mallocs()-allocations
	each := make([]int64, timed)
	for i := range each {
		begin := time.Now()
		answer := decide()
		each[i] = time.Since(begin).Nanoseconds()
		right = answer && right
	}
	expect(right, "while it was timed")
	slices.Sort(each)
	return result{
		Ns:          float64(took) / float64(decisions),
		P50Ns:       each[timed/2],
		P99Ns:       each[timed*99/100],
		Allocations: float64(allocated) / float64(decisions),
	}
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: peers FOLDER")
		os.Exit(2)
	}
	// A collection every 256 MiB, as in a host with so much of its own: with this program's small heap Go would
	// collect every 4 MiB.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(256 << 20)
	path := func(name string) string { return filepath.Join(os.Args[1], name) }
	read := func(name string) string { return string(must(os.ReadFile(path(name)))) }
	var calls struct {
		Timed   call   `json:"timed"`
		Checked []call `json:"checked"`
	}
	must(0, json.Unmarshal([]byte(read("calls.json")), &calls))
	calls.Timed.Allowed = true

	var subjects []subject
	subjects = add(subjects, opa(read("policies/charge.rego")), calls.Timed, calls.Checked)
	subjects = add(subjects, celGo(read("policies/charge.cel")), calls.Timed, calls.Checked)
	subjects = add(subjects, casbinEngine(path("policies/casbin_go.conf")), calls.Timed, calls.Checked)
	subjects = addLimiter(subjects)

	out := json.NewEncoder(os.Stdout)
	must(0, out.Encode(subjects))
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var index, decisions, timed int
		must(fmt.Sscan(lines.Text(), &index, &decisions, &timed))
		must(0, out.Encode(measure(subjects[index].decide, decisions, timed)))
	}
}
