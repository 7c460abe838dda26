//! The peers that are Rust crates: Cedar, regorus, CEL and governor. compare.py tells what a program of peers
//! reads and prints.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::io::{BufRead, Write};
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Instant;

use cedar_policy::{
    Authorizer, Context as CedarContext, Decision, Entities, EntityUid, PolicySet, Request,
    RestrictedExpression,
};
use governor::{Quota, RateLimiter};
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use serde_json::{Value, json};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.with(|n| n.set(n.get() + 1));
}

// SAFETY: every call is handed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(p, layout, size) }
    }
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        unsafe { System.dealloc(p, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn processor_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes only to `time`.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

struct Call {
    tool: String,
    arguments: String,
    allowed: bool,
}

fn calls(document: &Value) -> (Call, Vec<Call>) {
    let call = |value: &Value, allowed: bool| Call {
        tool: value["tool"].as_str().unwrap().into(),
        arguments: value["arguments"].as_str().unwrap().into(),
        allowed,
    };
    let checked = document["checked"].as_array().unwrap();
    (
        call(&document["timed"], true),
        checked
            .iter()
            .map(|c| call(c, c["allowed"].as_bool().unwrap()))
            .collect(),
    )
}

type Decide = Box<dyn FnMut() -> bool>;

struct Subject {
    workload: &'static str,
    package: &'static str,
    form: &'static str,
    decide: Decide,
}

fn expect(right: bool, what: &str) {
    if !right {
        eprintln!("wrong answer: {what}");
        std::process::exit(2);
    }
}

/// An engine: what a host does with each call's text, and what is left when the engine's own value has been
/// made beforehand.
trait Engine: 'static {
    const PACKAGE: &'static str;
    const FORM: &'static str;
    type Prepared: 'static;
    fn prepare(&self, tool: &str, arguments: &str) -> Self::Prepared;
    fn decide(&mut self, prepared: &Self::Prepared) -> bool;
    fn decide_text(&mut self, tool: &str, arguments: &str) -> bool {
        let prepared = self.prepare(tool, arguments);
        self.decide(&prepared)
    }
}

fn add<E: Engine>(subjects: &mut Vec<Subject>, mut engine: E, timed: &Call, checked: &[Call]) {
    for call in checked.iter().chain([timed]) {
        let what = format!(
            "{} {}: {} {}",
            E::PACKAGE,
            E::FORM,
            call.tool,
            call.arguments
        );
        expect(
            engine.decide_text(&call.tool, &call.arguments) == call.allowed,
            &what,
        );
        let prepared = engine.prepare(&call.tool, &call.arguments);
        expect(engine.decide(&prepared) == call.allowed, &what);
    }
    let prepared = engine.prepare(&timed.tool, &timed.arguments);
    let engine = Rc::new(RefCell::new(engine));
    let of_prepared = engine.clone();
    let (tool, arguments) = (timed.tool.clone(), timed.arguments.clone());
    subjects.push(Subject {
        workload: "charge_text",
        package: E::PACKAGE,
        form: E::FORM,
        decide: Box::new(move || engine.borrow_mut().decide_text(&tool, &arguments)),
    });
    subjects.push(Subject {
        workload: "charge_prepared",
        package: E::PACKAGE,
        form: E::FORM,
        decide: Box::new(move || of_prepared.borrow_mut().decide(&prepared)),
    });
}

struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    principal: EntityUid,
    resource: EntityUid,
    charge: EntityUid,
}

impl Cedar {
    fn new(policy: &str) -> Self {
        Cedar {
            authorizer: Authorizer::new(),
            policies: policy.parse().unwrap(),
            entities: Entities::empty(),
            principal: "Grant::\"agent-42\"".parse().unwrap(),
            resource: "Server::\"payments\"".parse().unwrap(),
            charge: "Action::\"charge\"".parse().unwrap(),
        }
    }
}

impl Engine for Cedar {
    const PACKAGE: &'static str = "cedar-policy";
    const FORM: &'static str = "is_authorized";
    type Prepared = Request;
    // Cedar has no null, which the call holds: the host hands over the three members that the policy reads.
    fn prepare(&self, tool: &str, arguments: &str) -> Request {
        let arguments: Value = serde_json::from_str(arguments).unwrap();
        let members = ["amount", "currency", "customer"]
            .into_iter()
            .filter_map(|name| {
                let value = match arguments.get(name)? {
                    Value::Number(n) => RestrictedExpression::new_long(n.as_i64()?),
                    Value::String(s) => RestrictedExpression::new_string(s.clone()),
                    Value::Bool(b) => RestrictedExpression::new_bool(*b),
                    _ => return None,
                };
                Some((name.to_string(), value))
            });
        let context = CedarContext::from_pairs(members).unwrap();
        let action = match tool {
            "charge" => self.charge.clone(),
            _ => format!("Action::{tool:?}").parse().unwrap(),
        };
        Request::new(
            self.principal.clone(),
            action,
            self.resource.clone(),
            context,
            None,
        )
        .unwrap()
    }
    fn decide(&mut self, request: &Request) -> bool {
        let response = self
            .authorizer
            .is_authorized(request, &self.policies, &self.entities);
        response.decision() == Decision::Allow
    }
}

fn rego_input(tool: &str, arguments: &str) -> regorus::Value {
    let mut input = regorus::Value::new_object();
    let members = input.as_object_mut().unwrap();
    members.insert("tool".into(), tool.into());
    members.insert(
        "arguments".into(),
        regorus::Value::from_json_str(arguments).unwrap(),
    );
    input
}

const RULE: &str = "data.charge.allow";

struct RegoEngine(regorus::Engine);

impl RegoEngine {
    fn new(policy: &str) -> Self {
        let mut engine = regorus::Engine::new();
        engine
            .add_policy("charge.rego".into(), policy.into())
            .unwrap();
        RegoEngine(engine)
    }
}

impl Engine for RegoEngine {
    const PACKAGE: &'static str = "regorus";
    const FORM: &'static str = "Engine::eval_rule";
    type Prepared = regorus::Value;
    fn prepare(&self, tool: &str, arguments: &str) -> regorus::Value {
        rego_input(tool, arguments)
    }
    fn decide(&mut self, input: &regorus::Value) -> bool {
        self.0.set_input(input.clone());
        matches!(
            self.0.eval_rule(RULE.into()),
            Ok(regorus::Value::Bool(true))
        )
    }
}

struct RegoMachine(RegoVM);

impl RegoMachine {
    fn new(policy: &str) -> Self {
        let compiled = RegoEngine::new(policy)
            .0
            .compile_with_entrypoint(&RULE.into())
            .unwrap();
        let mut machine = RegoVM::new_with_policy(compiled.clone());
        machine.load_program(Compiler::compile_from_policy(&compiled, &[RULE]).unwrap());
        RegoMachine(machine)
    }
}

impl Engine for RegoMachine {
    const PACKAGE: &'static str = "regorus";
    const FORM: &'static str = "RegoVM::execute";
    type Prepared = regorus::Value;
    fn prepare(&self, tool: &str, arguments: &str) -> regorus::Value {
        rego_input(tool, arguments)
    }
    fn decide(&mut self, input: &regorus::Value) -> bool {
        self.0.set_input(input.clone());
        matches!(self.0.execute(), Ok(regorus::Value::Bool(true)))
    }
}

struct Cel {
    program: cel::Program,
    root: cel::Context<'static, 'static>,
}

impl Cel {
    fn new(expression: &str) -> Self {
        Cel {
            program: cel::Program::compile(expression).unwrap(),
            root: cel::Context::default(),
        }
    }
    fn bind(context: &mut cel::Context, tool: &str, arguments: &str) {
        let arguments: Value = serde_json::from_str(arguments).unwrap();
        context.add_variable_from_value("tool", tool);
        context.add_variable_from_value("arguments", cel::to_value(arguments).unwrap());
    }
    fn holds(&self, context: &cel::Context) -> bool {
        matches!(self.program.execute(context), Ok(cel::Value::Bool(true)))
    }
}

impl Engine for Cel {
    const PACKAGE: &'static str = "cel";
    const FORM: &'static str = "Program::execute";
    type Prepared = cel::Context<'static, 'static>;
    fn prepare(&self, tool: &str, arguments: &str) -> Self::Prepared {
        let mut context = cel::Context::default();
        Self::bind(&mut context, tool, arguments);
        context
    }
    fn decide(&mut self, context: &Self::Prepared) -> bool {
        self.holds(context)
    }
    fn decide_text(&mut self, tool: &str, arguments: &str) -> bool {
        let mut context = self.root.new_inner_scope();
        Self::bind(&mut context, tool, arguments);
        self.holds(&context)
    }
}

const KEYS: usize = 64;

fn add_limiter(subjects: &mut Vec<Subject>) {
    let ten = RateLimiter::keyed(Quota::per_minute(NonZeroU32::new(10).unwrap()));
    for key in ["agent-1".to_string(), "agent-2".to_string()] {
        for i in 0..11 {
            expect(
                ten.check_key(&key).is_ok() == (i < 10),
                "governor: ten a minute for each key",
            );
        }
    }
    let keys: Vec<String> = (0..KEYS).map(|i| format!("agent-{i}")).collect();
    let limiter = RateLimiter::keyed(Quota::per_minute(NonZeroU32::MAX));
    let mut next = 0;
    subjects.push(Subject {
        workload: "limit",
        package: "governor",
        form: "RateLimiter::check_key",
        decide: Box::new(move || {
            next = (next + 1) % KEYS;
            limiter.check_key(&keys[next]).is_ok()
        }),
    });
}

fn measure(decide: &mut Decide, decisions: u64, timed: usize) -> Value {
    let mut right = true;
    for _ in 0..decisions / 10 {
        right &= decide();
    }
    let allocations = ALLOCATIONS.get();
    let begin = processor_ns();
    for _ in 0..decisions {
        right &= std::hint::black_box(decide());
    }
    let took = processor_ns() - begin;
    let allocations = ALLOCATIONS.get() - allocations;
    let mut each: Vec<u64> = Vec::with_capacity(timed);
    for _ in 0..timed {
        let begin = Instant::now();
        let answer = std::hint::black_box(decide());
        each.push(begin.elapsed().as_nanos() as u64);
        right &= answer;
    }
    expect(right, "while it was timed");
    each.sort_unstable();
    json!({
        "ns": took as f64 / decisions as f64,
        "p50_ns": each[timed / 2],
        "p99_ns": each[timed * 99 / 100],
        "allocations": allocations as f64 / decisions as f64,
    })
}

fn main() {
    let folder = std::env::args()
        .nth(1)
        .expect("usage: callwarden-peers FOLDER");
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
    let (timed, checked) = calls(&serde_json::from_str(&read("calls.json")).unwrap());
    let mut subjects = Vec::new();
    add(
        &mut subjects,
        Cedar::new(&read("policies/charge.cedar")),
        &timed,
        &checked,
    );
    add(
        &mut subjects,
        RegoEngine::new(&read("policies/charge.rego")),
        &timed,
        &checked,
    );
    add(
        &mut subjects,
        RegoMachine::new(&read("policies/charge.rego")),
        &timed,
        &checked,
    );
    add(
        &mut subjects,
        Cel::new(&read("policies/charge.cel")),
        &timed,
        &checked,
    );
    add_limiter(&mut subjects);

    let mut out = std::io::stdout().lock();
    let listed: Vec<Value> = subjects
        .iter()
        .map(|s| json!({"workload": s.workload, "package": s.package, "form": s.form}))
        .collect();
    writeln!(out, "{}", Value::from(listed)).unwrap();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let numbers: Vec<u64> = line.split(' ').map(|n| n.parse().unwrap()).collect();
        let subject = &mut subjects[numbers[0] as usize];
        writeln!(
            out,
            "{}",
            measure(&mut subject.decide, numbers[1], numbers[2] as usize)
        )
        .unwrap();
        out.flush().unwrap();
    }
}
