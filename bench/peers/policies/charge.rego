package charge

default allow := false

allow if {
	input.tool == "charge"
	is_number(input.arguments.amount) # null <= 50000 holds in Rego
	input.arguments.amount <= 50000
	input.arguments.currency in {"usd", "eur"}
	startswith(input.arguments.customer, "cus_")
}
