/* experiments_analyze.c: `sluice experiments analyze`: which variant of an experiment is better, and what to do. */
#include "tools/cli/command.h"
#include "tools/client/data/experiment_data.h"
#include "tools/view/report/report_view.h"


enum analyze_form { ANALYZE_HTML = OUTPUT_JSON + 1 };

struct analyze_options {
	struct experiment_asked asked;
	struct name_list metrics, guardrails, lower;
	const char *control, *segment;
	double alpha, practical;
	bool horizon;
	int form;
};

static const struct option options[] = {
	EXPERIMENT_ROWS_OF(struct analyze_options, asked),
	ROW("metric", NAMES, struct analyze_options, metrics, .word = "METRIC",
	    .help = "A metric of the feedback; the first one decides. Default: all; `reward` decides, or what the experiment "
		    "names."),
	ROW("guardrail", NAMES, struct analyze_options, guardrails, .word = "METRIC",
	    .help = "A metric that must not get worse by more than the practical threshold."),
	ROW("lower", NAMES, struct analyze_options, lower, .word = "METRIC", .help = "A metric of which less is better."),
	ROW("control", TEXT, struct analyze_options, control, .word = "VARIANT",
	    .help = "The variant with which the others are compared. Default: the experiment's default, else the variant with most "
		    "units."),
	ROW("covariate", TEXT, struct analyze_options, asked.covariate, .word = "FEATURE",
	    .help = "A feature in the context of exposures, known before the choice, by which the variance is reduced "
		    "(CUPED); not that of a metric with `perUnit: ratio`."),
	ROW("segment", TEXT, struct analyze_options, segment, .word = "FEATURE",
	    .help = "A feature in the context of exposures: metrics are also shown for units with each of its values."),
	ROW("practical", NUMBER, struct analyze_options, practical, .least = 0.0001, .most = 10, .fallback = "5%",
	    .help = "The least difference that is worth a change, as a share of the control's mean."),
	ROW("alpha", NUMBER, struct analyze_options, alpha, .least = 0.000001, .most = 0.5, .fallback = "0.05",
	    .help = "The chance of a wrong decision that is accepted."),
	ROW("tolerance", NUMBER, struct analyze_options, asked.tolerance, .least = 0.000000000001, .most = 1, .fallback = "0.001",
	    .help = "The largest difference at which a number of a mirror's reply agrees with the answer's. It is relative to the "
		    "answer's number if that is larger than 1."),
	ROW("horizon", FLAG, struct analyze_options, horizon,
	    .help = "Also shows the numbers of a fixed horizon. They hold for one look that was planned in advance."),
	COMMAND_FORM(analyze_options, form, "text json html"),
	{.type = OPTION_END},
};

static bool analyze(struct session *session, const void *filled, const char *name, struct arena *arena, struct buffer *out,
		    struct error *error)
{
	const struct analyze_options *self = filled;
	struct report_options report_options = {.experiment = name,
						.control = text_of(self->control),
						.metrics = self->metrics,
						.guardrails = self->guardrails,
						.lower = self->lower,
						.alpha = self->alpha,
						.practical = self->practical,
						.covariate = self->asked.covariate,
						.segment = self->segment,
						.horizon = self->horizon};
	struct experiment_asked asked = self->asked;
	struct experiment_data data;
	struct report report;
	asked.kept[0] = self->metrics;
	asked.kept[1] = self->guardrails;
	asked.kept[2] = self->lower;
	bool good = experiment_data_open(command_workspace(session), name, &asked, arena, &data, error);
	if (good)
		experiment_data_defaults(&data, &report_options);
	report_options.mirror = data.mirrored;
	report_options.overlaps = data.overlaps;
	report_options.overlap_count = data.overlap_count;
	good = good && (experiment_data_rules(&data, name, arena, &report_options) ||
			error_memory(error, ERROR_SYSTEM, "analysing an experiment"));
	good = good && report_make(&data.joined, &report_options, arena, &report, error);
	if (good && self->form == ANALYZE_HTML)
		report_view_print_html(&report, arena, out);
	else if (good && self->form == OUTPUT_JSON)
		report_view_print_json(&report, out);
	else if (good)
		report_view_print_text(&report, arena, out);
	experiment_data_close(&data);
	return good;
}

static int experiments_analyze_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	(void)count;
	return command_report(session, analyze, filled, arguments[0]);
}

const struct command command_experiments_analyze = {
	.name = "experiments analyze",
	.arguments = "EXPERIMENT",
	.summary = "Says which variant of an experiment is better, and what to do.",
	.help = "Reads exposures and feedback, joins them per unit, and compares each variant with the control. First it tests "
		"whether the units were split by the shares of the variants (SRM). Then it shows, for each metric and variant, the "
		"difference with its p-value, its method and its interval, which are valid at every look, the chance to be the "
		"best, the expected loss, and the units that are still needed. A sentence says what to do, with its reasons and "
		"what would change it.\n\n"
		"  sluice experiments analyze checkout -f pipelines/ --brokers localhost:9092\n"
		"  sluice experiments analyze checkout --pipeline shop --metric profit --guardrail latency_ms --lower latency_ms\n"
		"  sluice experiments analyze checkout --exposures exposures.jsonl --feedback feedback.jsonl -o html > page.html\n"
		"\n"
		"Exposures are in a pipeline's exposures topic (`exposures: full` in the Experiment), or its answers carry them "
		"(`exposures: thin`, the default without bandits and rollouts). Requests that were dropped, or that failed in a "
		"pipeline without answers to errors, are then missing. Feedback is in its feedback topic. A line of JSON has the "
		"members of the schema: {\"id\": \"r-1\", \"unit\": \"u-7\", \"time_ms\": 1769938200000, \"experiment\": "
		"\"checkout\", \"variant\": \"new\", \"probability\": 0.3}, and for feedback {\"id\": \"r-1\", \"reward\": 1, "
		"\"metrics\": {\"profit\": 3.25}}. A unit's number is the mean of its values, unless its metric has `perUnit`. "
		"Units that met two variants, and requests routed by headers or overrides, are left out and counted.\n\n"
		"`metrics` of the pipelines in the files define a metric of that name: its role, which direction is better, a "
		"margin of its own instead of --practical, and a cap against heavy tails. Options have precedence. Metrics of "
		"truth or reward are computed from the feedback, and from the answers and requests that they name.\n\n"
		"Exposures have the latency of the answer, which is the metric `latency_ms`, lower is better, unless feedback has "
		"one of that name. With --segment, the 16 commonest values of a feature are segments. They share alpha, so more "
		"segments need more units.\n\n"
		"If another experiment shares a pipeline and a metric of the feedback, and neither has a layer, the command "
		"tabulates the units that met both by the variants of both, and tests whether these are independent. Files of "
		"exposures count as one pipeline.\n\n"
		"If the experiment has a mirror, its replies, which are in the pipeline's shadow topic, are compared twice. "
		"Engines compare them with the candidate's reply to the same call while they run, within the `tolerance` of the "
		"mirror; metrics and alerts count that. The mirror of a SeldonDeployment is its predictor with `shadow`: engines "
		"compare it with the answer. The command compares the replies with the answers of the pipeline by request id: "
		"agreement within --tolerance for each tensor, latency, and errors. Both list requests that differ. If less than "
		"95% of the copies could be compared, it says so first. Copies without a result are counted too, by the headers of "
		"the answers: they wait for a reply, or waited when their engine was killed.\n\n"
		"A variant that breaks a guardrail is out, whatever the deciding metric says. Of the others that are better and "
		"keep all guardrails, the one that gains most is recommended. The control is kept once the interval of the gain is "
		"below the practical threshold as a whole. Until then a variant that is shown to be better is recommended, and the "
		"sentence says if it is not shown that its gain is as much as the threshold.\n\n"
		"Several variants share the alpha of the deciding metric. Each guardrail has it alone, for all variants together. "
		"Other metrics share a false discovery rate: one that is no discovery is neither better nor worse, whatever its p. "
		"Where a policy of bandits chose, differences are weighed by the probabilities of the choices, and requests of a "
		"unit between two updates of the policy count as one choice. Intervals are asymptotic: they begin when each "
		"variant has 100 units. That of a difference is what the intervals of all looks have in common. That of an "
		"improvement in percent is of the last look, so it may be wider.",
	.options = options,
	.options_size = sizeof(struct analyze_options),
	.group = "run",
	.run = experiments_analyze_run,
};
