/* experiments_evaluate.c: `sluice experiments evaluate`: what another policy would have earned, from recorded choices. */
#include "bandits/off_policy.h"
#include "base/quote.h"
#include "cli/command.h"
#include "client/experiment_data.h"
#include "message/json_write.h"
#include "source/policy_file.h"

#define ARENA_BYTES ((size_t)32 << 30)
#define OUT_BYTES_MAX ((size_t)1 << 20)
#define MODEL_LAMBDA 1.0     /* of the ridge regression of rewards, as of LinUCB */
#define PERCENT 100.0

struct evaluate_options {
	struct experiment_asked asked;
	const char *policy, *metric;
	double clip, alpha;
	int form;
};

static const struct option options[] = {
	EXPERIMENT_ROWS_OF(struct evaluate_options, asked),
	ROW("policy", TEXT, struct evaluate_options, policy, .word = "FILE", .required = true,
	    .help = "The policy, as JSON: `always`, `probabilities`, or `features` with `scores` and `explore`."),
	ROW("metric", TEXT, struct evaluate_options, metric, .word = "METRIC",
	    .help = "The metric that is earned; default: `reward`, or what the experiment names."),
	ROW("clip", NUMBER, struct evaluate_options, clip, .least = 1, .most = 1e9, .fallback = "10",
	    .help = "The greatest weight of a record in the clipped estimate."),
	ROW("alpha", NUMBER, struct evaluate_options, alpha, .least = 0.000001, .most = 0.5, .fallback = "0.05",
	    .help = "Intervals hold 1 - alpha."),
	COMMAND_FORM(evaluate_options, form, "text json"),
	{.type = OPTION_END},
};

/* ---- the evaluation ---- */

struct policy_evaluation {
	const struct evaluate_options *options;
	const char *name;
	const struct joined *joined;
	const struct joined_metric *metric;
	struct arena *arena;
	struct file_policy policy;
	size_t features; /* of the reward model: a constant and those of the exposures */
	struct text names[BANDIT_FEATURES_MOST];
	uint64_t without; /* values that are of no request, or whose probability is not known */
	struct moments recorded;
	struct off_policy_result result;
};

/* Features that exposures have; the model has no more than it can. */
static void evaluation_find_features(struct policy_evaluation *self)
{
	self->features = 1;
	for (size_t i = 0; i < self->joined->exposure_count; i++)
		for (size_t j = 0; j < self->joined->exposures[i].feature_count; j++) {
			const struct text name = self->joined->exposures[i].features[j].name;
			size_t at = 1;
			while (at < self->features && !text_equal(self->names[at], name))
				at++;
			if (at == self->features && at < BANDIT_FEATURES_MOST)
				self->names[self->features++] = name;
		}
}

static void evaluation_context(const struct policy_evaluation *self, const struct joined_exposure *exposure, double *x)
{
	x[0] = 1;
	for (size_t i = 1; i < self->features; i++)
		x[i] = exposure_feature(exposure, self->names[i]);
}

/* The exposure of a value; NULL: it is of no request, or of no known probability. */
static const struct joined_exposure *evaluation_exposure(const struct policy_evaluation *self, const struct analysis_value *value)
{
	const struct joined_exposure *exposure =
		value->exposure == UINT32_MAX ? NULL : &self->joined->exposures[value->exposure];
	return exposure && exposure->probability > 0 ? exposure : NULL;
}

static bool evaluation_run(struct policy_evaluation *self, struct error *error)
{
	const struct joined_metric *metric = self->metric;
	double x[BANDIT_FEATURES_MOST], target[ANALYSIS_ARMS_MAX], expected[ANALYSIS_ARMS_MAX];
	struct off_policy sums;
	evaluation_find_features(self);
	struct reward_model *model = reward_model_open(self->arena, self->joined->arms, self->features, MODEL_LAMBDA);
	if (!model)
		return error_memory(error, ERROR_SYSTEM, "evaluating a policy");
	if (!off_policy_begin(&sums, self->joined->arms, self->options->clip, error))
		return false;
	for (size_t i = 0; i < metric->count; i++) {
		const struct joined_exposure *exposure = evaluation_exposure(self, &metric->values[i]);
		if (!exposure)
			continue;
		evaluation_context(self, exposure, x);
		reward_model_add(model, exposure->unit, exposure->arm, x, metric->values[i].value);
	}
	for (size_t i = 0; i < metric->count; i++) {
		const struct joined_exposure *exposure = evaluation_exposure(self, &metric->values[i]);
		if (!exposure) {
			self->without++;
			continue;
		}
		evaluation_context(self, exposure, x);
		reward_model_expect(model, exposure->unit, x, expected);
		file_policy_chances(&self->policy, exposure, target);
		moments_add(&self->recorded, metric->values[i].value);
		const struct off_policy_record record = {.arm = exposure->arm, .reward = metric->values[i].value,
							 .probability = exposure->probability, .target = target,
							 .expected = expected};
		if (!off_policy_add(&sums, &record, error))
			return false;
	}
	if (self->recorded.count == 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "no feedback by request has joined an exposure with a probability; send feedback with the "
				 "request's id");
	self->result = off_policy_result(&sums);
	return true;
}

/* ---- output ---- */

struct evaluation_line {
	const char *key, *name;
	struct off_policy_estimate estimate;
};

#define EVALUATION_LINES 6

static void evaluation_lines(const struct off_policy_result *result, struct evaluation_line lines[EVALUATION_LINES])
{
	const struct evaluation_line made[EVALUATION_LINES] = {
		{"ips", "IPS", result->ips},
		{"snips", "SNIPS", result->snips},
		{"clipped_ips", "clipped IPS", result->clipped},
		{"direct_method", "direct method", result->direct},
		{"doubly_robust", "doubly robust", result->doubly},
		{"self_normalised_doubly_robust", "DR, normalised", result->self_normalised_doubly},
	};
	memcpy(lines, made, sizeof made);
}

/* Records of a policy that learnt hold at every look, by the practical share of what was earned. */
static struct interval evaluation_interval(const struct policy_evaluation *self, struct off_policy_estimate estimate)
{
	const double tau = ANALYSIS_PRACTICAL * fabs(self->recorded.mean);
	return off_policy_interval(estimate, self->joined->adaptive ? tau * tau : 0, self->options->alpha);
}

static const char *evaluation_sentence(const struct policy_evaluation *self)
{
	const struct off_policy_result *result = &self->result;
	const struct interval interval = evaluation_interval(self, result->doubly);
	const double recorded = self->recorded.mean;
	if (result->too_few)
		return arena_print(self->arena, "No recommendation: the records are worth only %.0f of the new policy (ESS), and "
			"%d are needed.",
				   result->effective, OFF_POLICY_LEAST);
	if (result->unsupported)
		return arena_print(self->arena,
				   "No recommendation: %.2g%% of the new policy's choices are of variants that the records never "
				   "chose.",
				   PERCENT * result->outside);
	return arena_print(self->arena, "The policy earns %.4g a request (%.4g to %.4g) where %.4g was earned: %s.",
		result->doubly.value,
			   interval.low, interval.high, recorded,
			   interval.low > recorded    ? "more"
			   : interval.high < recorded ? "less"
						      : "not shown to be different");
}

static void evaluation_print(const struct policy_evaluation *self, const char *sentence, struct buffer *out)
{
	const struct off_policy_result *result = &self->result;
	struct evaluation_line lines[EVALUATION_LINES];
	evaluation_lines(result, lines);
	buffer_print(out, "%s\n\n%-16s %12s %12s   %s\n%-16s %12.5g\n", sentence, "ESTIMATE", "VALUE", "ERROR", "INTERVAL",
		"recorded",
		     self->recorded.mean);
	for (size_t i = 0; i < EVALUATION_LINES; i++) {
		const struct interval interval = evaluation_interval(self, lines[i].estimate);
		buffer_print(out, "%-16s %12.5g %12.3g   %.5g to %.5g\n", lines[i].name, lines[i].estimate.value,
			lines[i].estimate.error,
			     interval.low, interval.high);
	}
	buffer_print(out, "\n%llu records of %s, worth %.0f (ESS); %.3g%% of the policy's choices are outside of them; %llu "
		"values left out\n",
		     (unsigned long long)result->records, text_shown(self->metric->name, self->arena), result->effective,
		     PERCENT * result->outside, (unsigned long long)self->without);
}

static void evaluation_print_number(struct buffer *out, const char *name, double number)
{
	buffer_print(out, ", \"%s\": ", name);
	if (isfinite(number))
		json_write_double(out, number);
	else
		buffer_string(out, "null");
}

static void evaluation_print_json(const struct policy_evaluation *self, const char *sentence, struct buffer *out)
{
	const struct off_policy_result *result = &self->result;
	struct evaluation_line lines[EVALUATION_LINES];
	char key[64];
	evaluation_lines(result, lines);
	json_write_member(out, "{", "experiment", text_of(self->name));
	json_write_member(out, ", ", "metric", self->metric->name);
	json_write_member(out, ", ", "sentence", text_of(sentence));
	buffer_print(out, ", \"records\": %llu, \"left_out\": %llu", (unsigned long long)result->records,
		     (unsigned long long)self->without);
	evaluation_print_number(out, "recorded", self->recorded.mean);
	for (size_t i = 0; i < EVALUATION_LINES; i++) {
		const struct interval interval = evaluation_interval(self, lines[i].estimate);
		evaluation_print_number(out, lines[i].key, lines[i].estimate.value);
		(void)snprintf(key, sizeof key, "%s_standard_error", lines[i].key);
		evaluation_print_number(out, key, lines[i].estimate.error);
		(void)snprintf(key, sizeof key, "%s_low", lines[i].key);
		evaluation_print_number(out, key, interval.low);
		(void)snprintf(key, sizeof key, "%s_high", lines[i].key);
		evaluation_print_number(out, key, interval.high);
	}
	evaluation_print_number(out, "effective_sample_size", result->effective);
	evaluation_print_number(out, "outside_support", result->outside);
	buffer_print(out, ", \"refused\": [%s%s%s]}\n", result->too_few ? "\"effective_sample_size\"" : "",
		     result->too_few && result->unsupported ? ", " : "", result->unsupported ? "\"outside_support\"" : "");
}

extern const struct command command_experiments_evaluate;

static bool evaluation_metric(struct policy_evaluation *self, const struct experiment_data *data, struct error *error)
{
	const struct joined *joined = self->joined;
	struct report_options defaults = {0};
	experiment_data_defaults(data, &defaults);
	const struct text wanted = self->options->metric     ? text_of(self->options->metric)
				   : defaults.primary.length > 0 ? defaults.primary
								 : TEXT(JOIN_REWARD);
	for (size_t i = 0; i < joined->metric_count; i++)
		if (text_equal(joined->metrics[i].name, wanted))
			self->metric = &joined->metrics[i];
	return self->metric || error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "no feedback of experiment `%s` has the metric `" TEXT_FORMAT "`; name another one by "
					 "--metric",
					 self->name, TEXT_ARGUMENTS(wanted));
}

static bool evaluate(struct session *session, const struct evaluate_options *asked, const char *name, struct arena *arena,
		     struct buffer *out, struct error *error)
{
	struct policy_evaluation *self = ARENA_NEW(arena, struct policy_evaluation);
	struct experiment_data data;
	const char *sentence = NULL;
	if (!self)
		return error_memory(error, ERROR_SYSTEM, "evaluating a policy");
	self->options = asked;
	self->name = name;
	self->joined = &data.joined;
	self->arena = arena;
	bool good = experiment_data_open(command_workspace(session), name, &asked->asked, arena, &data, error) &&
		    evaluation_metric(self, &data, error) &&
		    file_policy_open(&self->policy, asked->policy, &data.joined, arena, error) && evaluation_run(self, error);
	if (good && !(sentence = evaluation_sentence(self)))
		good = error_memory(error, ERROR_SYSTEM, "evaluating a policy");
	if (good && asked->form == OUTPUT_JSON)
		evaluation_print_json(self, sentence, out);
	else if (good)
		evaluation_print(self, sentence, out);
	experiment_data_close(&data);
	return good;
}

static int experiments_evaluate_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	struct error error = {0};
	struct arena *arena = arena_open(ARENA_BYTES);
	struct buffer out;
	(void)count;
	buffer_open(&out, OUT_BYTES_MAX);
	const bool good = (arena || error_memory(&error, ERROR_SYSTEM, "evaluating a policy")) &&
			  evaluate(session, filled, arguments[0], arena, &out, &error);
	arena_close(arena);
	if (good)
		return command_write(session, &out);
	buffer_close(&out);
	return command_refused(session, &command_experiments_evaluate, &error);
}

const struct command command_experiments_evaluate = {
	.name = "experiments evaluate",
	.arguments = "EXPERIMENT",
	.summary = "Estimates what another policy would have earned.",
	.help = "Reads exposures and feedback as `sluice experiments analyze` does, and weighs each request by the probability "
		"that "
		"the policy gives to the variant that it got, and the recorded one: IPS, SNIPS, clipped IPS, the direct method and "
		"doubly robust estimates, with their standard errors. It says how many records that is worth (ESS), and gives no "
		"recommendation where they are fewer than 100, or where more than 1% of the policy's choices are of variants that "
		"were never chosen.\n"
		"\n"
		"  sluice experiments evaluate checkout --policy new.json -f pipelines/ --brokers localhost:9092\n"
		"  sluice experiments evaluate checkout --policy new.json --exposures exposures.jsonl --feedback feedback.jsonl\n"
		"\n"
		"The policy is one of {\"always\": \"new\"}; {\"probabilities\": {\"old\": 0.2, \"new\": 0.8}}; and {\"features\": "
		"[\"age\"], \"scores\": {\"old\": [1, 0], \"new\": [0.5, 0.02]}, \"explore\": 0.02}, which chooses the greatest "
			"sum "
		"of a constant and of features of the exposure's context, each times its number, and explores by that share. "
		"Records of a policy that learnt have intervals that hold at every look.",
	.options = options,
	.options_size = sizeof(struct evaluate_options),
	.group = "run",
	.run = experiments_evaluate_run,
};
