/* experiments_evaluate.c: `sluice experiments evaluate`: what another policy would have earned, from recorded choices. */
#include "tools/cli/command.h"
#include "tools/client/data/policy_evaluation.h"


struct evaluate_options {
	struct experiment_asked asked;
	const char *policy, *metric;
	double clip, alpha;
	bool dry_run;
	int form;
};

static const struct option options[] = {
	EXPERIMENT_ROWS_OF(struct evaluate_options, asked),
	ROW("policy", TEXT, struct evaluate_options, policy, .word = "FILE",
	    .help = "The policy, as JSON: `always`, `probabilities`, or `features` with `scores` and `explore`."),
	ROW("dry-run", FLAG, struct evaluate_options, dry_run,
	    .help = "Instead of a policy of a file: what the `bandits` of the experiment's files (-f) would have done with these "
		    "requests. Shows the policy after each `updateInterval`, and what they would have earned."),
	ROW("metric", TEXT, struct evaluate_options, metric, .word = "METRIC",
	    .help = "The metric that is earned; default: `reward`, or what the experiment names."),
	ROW("clip", NUMBER, struct evaluate_options, clip, .least = 1, .most = 1e9, .fallback = "10",
	    .help = "The greatest weight of a record in the clipped estimate. Where weights are above it, the estimate is biased, "
		    "and its interval need not hold what the policy earns: the output has the share of these records."),
	ROW("alpha", NUMBER, struct evaluate_options, alpha, .least = 0.000001, .most = 0.5, .fallback = "0.05",
	    .help = "Intervals hold 1 - alpha."),
	COMMAND_FORM(evaluate_options, form, "text json"),
	{.type = OPTION_END},
};

static bool experiments_evaluate_one(struct session *session, const void *filled, const char *name, struct arena *arena,
				     struct buffer *out, struct error *error)
{
	const struct evaluate_options *self = filled;
	const struct policy_asked asked = {name,	 &self->asked, self->dry_run ? NULL : self->policy,
					   self->metric, self->clip,   self->alpha};
	struct evaluation_shown shown;
	if (!policy_evaluate(command_workspace(session), &asked, arena, &shown, error))
		return false;
	const char *sentence = evaluation_sentence(&shown, arena);
	if (!sentence)
		return error_memory(error, ERROR_SYSTEM, "evaluating a policy");
	if (self->form == OUTPUT_JSON)
		evaluation_print_json(&shown, sentence, out);
	else
		evaluation_print(&shown, sentence, arena, out);
	return true;
}

static int experiments_evaluate_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct evaluate_options *self = filled;
	(void)count;
	if (!self->policy == !self->dry_run)
		return command_misuse(session,
				      "it needs the policy of a file, --policy FILE, or --dry-run for the experiment's own "
				      "bandits, and not both");
	if (self->dry_run && self->asked.target.files.count == 0)
		return command_misuse(session, "--dry-run needs the experiment's files: -f FILE");
	return command_report(session, experiments_evaluate_one, self, arguments[0]);
}

const struct command command_experiments_evaluate = {
	.name = "experiments evaluate",
	.arguments = "EXPERIMENT",
	.summary = "Estimates what another policy would have earned.",
	.help = "Reads exposures and feedback as `sluice experiments analyze` does, and weighs each request by two probabilities "
		"of the variant that it got, the policy's and the recorded one: IPS, SNIPS, clipped IPS, the direct method and "
		"doubly robust estimates, with their standard errors. That of the direct method is not given: the error of its "
		"model is not known. Requests of one unit count as one choice in errors; one without a unit counts as a unit. "
		"Feedback must name the request, by its id or origin; where a policy chose it may name a unit, whose last request "
		"before it is meant. It prints the effective number of units (ESS), and gives no recommendation if that is below "
		"100, or if more than 1% of the policy's choices are variants that were never chosen, or could not be chosen, as "
		"the probability of another one was 1. Nor does it if variants were not chosen with the recorded probabilities: "
		"one test of all first choices of units, with a level of 0.001 whatever chose, also weights that changed and "
		"bandits.\n"
		"\n"
		"  sluice experiments evaluate checkout --policy new.json -f pipelines/ --brokers localhost:9092\n"
		"  sluice experiments evaluate checkout --policy new.json --exposures exposures.jsonl --feedback feedback.jsonl\n"
		"\n"
		"The policy is one of {\"always\": \"new\"}; {\"probabilities\": {\"old\": 0.2, \"new\": 0.8}}; and {\"features\": "
		"[\"age\"], \"scores\": {\"old\": [1, 0], \"new\": [0.5, 0.02]}, \"explore\": 0.02}. The last one chooses the "
		"variant with the greatest score: a constant, plus each feature of the exposure's context times its coefficient. "
		"For the share `explore` of the requests it chooses at random. Records of a policy that learned have intervals "
		"that hold at every look.\n\n"
		"With --dry-run the bandits of the files learn from the same records in the order of time, by their algorithm, "
		"`updateInterval`, `outcomeWindow` and `explore`: an exposure when it was made, a reward at the time that it "
		"names. The output has the policies that were then in force for a request, of more than 20 the first, the last and "
		"some between, with their chances and the recorded shares. The estimates are of all of them in turn: each chose by "
		"what was known before.\n\n"
		"  sluice experiments evaluate checkout -f experiments/ --dry-run --since 2026-01-31T09:30Z\n\n"
		"The bandits learn there from what was chosen, not from choices of their own. These would have given more rewards "
		"of the variants that they prefer, and fewer of the others, so an algorithm that counts its choices, as ucb1, "
		"explores otherwise than it would. What a unit would have done after another variant is not known, nor is a "
		"variant that no record has. Features of `contextFeatures` that exposures do not have, as those that weights "
		"chose, count as missing.",
	.options = options,
	.options_size = sizeof(struct evaluate_options),
	.group = "run",
	.run = experiments_evaluate_run,
};
