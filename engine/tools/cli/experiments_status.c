/* experiments_status.c: `sluice experiments status`: how an experiment or a rollout stands. */
#include "base/clock.h"
#include "base/number/moment.h"
#include "base/quote.h"
#include "tools/cli/command.h"
#include "tools/cli/traffic_move.h"
#include "tools/client/control/control_session.h"
#include "tools/client/data/experiment_data.h"
#include "tools/client/kafka.h"
#include "tools/client/kafka_silence.h"
#include "message/json/json_write.h"
#include "tools/view/report/mirror_view.h"
#include "tools/view/report/rollout_view.h"

#define OUT_BYTES_MAX ((size_t)64 << 20)
#define WATCH_MS 500
#define PERCENT 100.0
#define SHARE_ROUNDED 1e-9 /* shares that leave less sum to 1 */

/* ---- of exposures ---- */

struct status_options {
	struct experiment_asked asked;
	bool watch;
	int form;
};

static const struct option status_options[] = {
	EXPERIMENT_ROWS_OF(struct status_options, asked),
	ROW("watch", FLAG, struct status_options, watch,
	    .help = "Of a rollout: prints it again after each check of the keeper, with the time, until it has ended."),
	COMMAND_FORM(status_options, form, "text json"),
	{.type = OPTION_END},
};

/* What is shown; `bandits` NULL: none choose, or their policies are not known. */
struct status_shown {
	const struct report *report;
	const struct bandit_view *bandits;
	bool has_weights; /* files have the experiment, and no bandits in it */
	struct arena *arena;
};

/* The share of a variant in the last epoch, whose exposures name their own; what they leave is that of one that was not met. */
static double share_exposed(const struct joined *joined, size_t arm)
{
	const double *shares = joined->epochs[joined->epoch_count - 1].shares;
	double left = 1;
	size_t unmet = 0;
	for (size_t i = 0; i < joined->arms; i++) {
		unmet += isnan(shares[i]) ? 1 : 0;
		left -= isnan(shares[i]) ? 0 : shares[i];
	}
	if (!isnan(shares[arm]))
		return shares[arm];
	return left < SHARE_ROUNDED ? 0 : unmet == 1 ? left : (double)NAN;
}

/* The share of a variant in the policy in force, or in the last epoch; NaN: not known. */
static double share_now(const struct status_shown *shown, size_t arm)
{
	const struct joined *joined = shown->report->joined;
	if (shown->bandits)
		return bandit_view_share(shown->bandits, joined->arm_names[arm]);
	return joined->epoch_count > 0 && !joined->adaptive ? share_exposed(joined, arm) : (double)NAN;
}

/* Why a share is not known; NULL: all are, or what is shown of the bandits says it. */
static const char *share_unknown(const struct status_shown *shown)
{
	const struct joined *joined = shown->report->joined;
	bool unknown = false;
	for (size_t arm = 0; arm < joined->arms; arm++)
		unknown = unknown || !isfinite(share_now(shown, arm));
	if (!unknown || shown->bandits)
		return NULL;
	if (joined->adaptive && shown->has_weights)
		return "a policy chose what was read, and the files have no `bandits` any more: `sluice experiments list -f` "
		       "shows the weights";
	if (joined->adaptive)
		return "a policy chooses, and no policy record of the experiment was read: give --pipeline and --brokers, or look "
		       "whether the topic of policies has one";
	if (joined->epoch_count == 0)
		return joined->counts.exposures == 0 ? "no exposure was read" : "no exposure that was read was chosen by weights";
	return "no exposure by the weights in force has these variants yet: give the files by -f, which have the weights";
}

static const char *split_word(const struct report_split *split)
{
	return !split->tested ? "not tested" : split->mismatch ? "mismatch" : "as planned";
}

/* What the bandits of the experiment do not learn from, beside what is late or unknown. */
struct unlearnt {
	bool learns;
	uint64_t refused; /* rewards that the algorithm does not take */
	uint64_t missing; /* features that requests did not have, which count as 0 */
	const char *computed; /* metric that engines compute; NULL: none */
	uint64_t uncomputed;  /* values of it that are known here, and that no engine has computed */
};

static bool has_feature(const struct joined_exposure *exposure, const char *name)
{
	for (size_t i = 0; i < exposure->feature_count; i++)
		if (text_is(exposure->features[i].name, name))
			return true;
	for (size_t i = 0; i < exposure->text_count; i++)
		if (text_is(exposure->texts[i].name, name))
			return true;
	return false;
}

static uint64_t missing_count(const struct bandits *bandits, const struct joined *joined)
{
	uint64_t missing = 0;
	for (size_t i = 0; i < joined->exposure_count; i++)
		for (size_t j = 0; j < bandits->context_features.count; j++)
			missing += !has_feature(&joined->exposures[i], bandits->context_features.items[j].text);
	return missing;
}

static uint64_t refused_count(const struct experiment_spec *experiment, const struct joined *joined)
{
	const char *named = experiment->bandits.reward_metric, *metric = named ? named : FEEDBACK_REWARD;
	const struct bandit_options options = experiment_bandit(experiment, joined->arms, 0);
	uint64_t refused = 0;
	for (size_t i = 0; i < joined->metric_count; i++) {
		const struct joined_metric *rewards = &joined->metrics[i];
		if (!text_is(rewards->name, metric))
			continue;
		refused += rewards->excess; /* which no algorithm takes */
		for (size_t j = 0; j < rewards->count; j++)
			refused += !bandit_takes(options.kind, rewards->values[j].value);
	}
	return refused;
}

static void uncomputed_count(const struct joined *joined, const char *metric, struct unlearnt *unlearnt)
{
	for (size_t i = 0; metric && i < joined->metric_count; i++)
		if (text_is(joined->metrics[i].name, metric) && joined->metrics[i].computed > 0) {
			unlearnt->computed = metric;
			unlearnt->uncomputed = joined->metrics[i].computed - joined->metrics[i].of_engines;
		}
}

static struct unlearnt unlearnt_of(const struct experiment_data *data)
{
	const struct experiment_spec *experiment = data->experiment;
	if (!experiment || experiment->bandits.here.line == 0)
		return (struct unlearnt){0};
	struct unlearnt unlearnt = {.learns = true,
				    .refused = refused_count(experiment, &data->joined),
				    .missing = missing_count(&experiment->bandits, &data->joined)};
	uncomputed_count(&data->joined, experiment->bandits.reward_metric, &unlearnt);
	return unlearnt;
}

static void variants_print(const struct status_shown *shown, struct buffer *out)
{
	const struct report *report = shown->report;
	const struct joined *joined = report->joined;
	for (size_t arm = 0; arm < joined->arms; arm++) {
		buffer_print(out, "  %-24s %10llu unit%s", text_shown(joined->arm_names[arm], shown->arena),
			     (unsigned long long)joined->arm_units[arm], joined->arm_units[arm] == 1 ? "" : "s");
		if (isfinite(share_now(shown, arm)))
			buffer_print(out, ", %.4g%%", PERCENT * share_now(shown, arm));
		if (report->absent.length > 0) /* a guardrail may be the only metric then */
			buffer_print(out, ", none with %s", text_shown(report->absent, shown->arena));
		else if (report->metric_count > 0)
			buffer_print(out, ", %llu with %s", (unsigned long long)report->metrics[0].analysis.arms[arm].valued,
				     text_shown(report->metrics[0].name, shown->arena));
		buffer_string(out, arm == report->control ? " (control)\n" : "\n");
	}
}

static void status_print(const struct status_shown *shown, const struct unlearnt *unlearnt, struct buffer *out)
{
	const struct report *report = shown->report;
	const struct joined *joined = report->joined;
	struct arena *arena = shown->arena;
	char last[MOMENT_BYTES];
	if (report->options->mirror)
		mirror_view_warn_text(report->options->mirror, arena, out);
	if (joined->last_ms > 0)
		moment_print(joined->last_ms, last);
	buffer_print(out, "%s: %zu epoch%s, last exposure %s, split %s\n", report->options->experiment, joined->epoch_count,
		     joined->epoch_count == 1 ? "" : "s", joined->last_ms > 0 ? last : "none", split_word(&report->split));
	variants_print(shown, out);
	if (share_unknown(shown))
		buffer_print(out, "  shares that are missing are not known: %s\n", share_unknown(shown));
	if (shown->bandits) {
		buffer_print(out, "  in force: bandits (%s)\n", shown->bandits->bandits->algorithm);
		bandit_view_print(shown->bandits, out);
	}
	buffer_print(out, "  feedback %llu: late %llu, unknown %llu, doubled %llu, left out %llu\n",
		     (unsigned long long)joined->counts.feedback, (unsigned long long)joined->counts.late,
		     (unsigned long long)joined->counts.unknown, (unsigned long long)joined->counts.doubled,
		     (unsigned long long)joined->counts.feedback_left_out);
	if (unlearnt->learns)
		buffer_print(out, "  not learnt: %llu reward%s that the algorithm refuses, %llu feature%s that requests lack",
			     (unsigned long long)unlearnt->refused, unlearnt->refused == 1 ? "" : "s",
			     (unsigned long long)unlearnt->missing, unlearnt->missing == 1 ? "" : "s");
	if (unlearnt->computed)
		buffer_print(out, ", %llu value%s of %s that no engine has computed", (unsigned long long)unlearnt->uncomputed,
			     unlearnt->uncomputed == 1 ? "" : "s", unlearnt->computed);
	if (unlearnt->learns)
		buffer_byte(out, '\n');
	buffer_print(out, "%s\n", text_shown(text_of(report->recommendation.sentence), arena));
	if (report->options->mirror)
		mirror_view_print_text(report->options->mirror, arena, out);
}

/* How many units have the metric that the status is of. */
static uint64_t units_measured(const struct report *report, size_t arm)
{
	return report->absent.length > 0 ? 0 : report->metrics[0].analysis.arms[arm].valued;
}

static void variants_print_json(const struct status_shown *shown, struct buffer *out)
{
	const struct report *report = shown->report;
	const struct joined *joined = report->joined;
	buffer_string(out, "\"variants\": [");
	for (size_t arm = 0; arm < joined->arms; arm++) {
		json_write_member(out, arm > 0 ? ", {" : "{", "name", joined->arm_names[arm]);
		buffer_print(out, ", \"units\": %llu, \"share\": ", (unsigned long long)joined->arm_units[arm]);
		json_write_finite(out, share_now(shown, arm));
		if (report->absent.length > 0 || report->metric_count > 0)
			buffer_print(out, ", \"measured\": %llu", (unsigned long long)units_measured(report, arm));
		buffer_print(out, ", \"control\": %s}", arm == report->control ? "true" : "false");
	}
	buffer_byte(out, ']');
}

static void status_print_json(const struct status_shown *shown, const struct unlearnt *unlearnt, struct buffer *out)
{
	const struct report *report = shown->report;
	const struct joined *joined = report->joined;
	json_write_member(out, "{", "experiment", text_of(report->options->experiment));
	json_write_member(out, ", ", "split", text_of(split_word(&report->split)));
	if (report->absent.length > 0)
		json_write_member(out, ", ", "absent", report->absent);
	else if (report->metric_count > 0)
		json_write_member(out, ", ", "metric", report->metrics[0].name);
	json_write_member(out, ", ", "decision", text_of(report_decision_name(report->recommendation.decision)));
	json_write_member(out, ", ", "recommendation", text_of(report->recommendation.sentence));
	buffer_print(out, ", \"epochs\": %zu, \"last_ms\": %lld, \"exposures\": %llu, \"feedback\": %llu, \"late\": %llu, ",
		     joined->epoch_count, (long long)joined->last_ms, (unsigned long long)joined->counts.exposures,
		     (unsigned long long)joined->counts.feedback, (unsigned long long)joined->counts.late);
	buffer_print(out, "\"unknown\": %llu, \"doubled\": %llu, \"feedback_left_out\": %llu, ",
		     (unsigned long long)joined->counts.unknown, (unsigned long long)joined->counts.doubled,
		     (unsigned long long)joined->counts.feedback_left_out);
	if (unlearnt->learns)
		buffer_print(out, "\"refused_rewards\": %llu, \"missing_features\": %llu, \"feedback_by_unit\": %llu, ",
			     (unsigned long long)unlearnt->refused, (unsigned long long)unlearnt->missing,
			     (unsigned long long)joined->counts.by_unit);
	if (unlearnt->computed)
		buffer_print(out, "\"uncomputed_rewards\": %llu, ", (unsigned long long)unlearnt->uncomputed);
	variants_print_json(shown, out);
	if (share_unknown(shown))
		json_write_member(out, ", ", "share_unknown", text_of(share_unknown(shown)));
	if (shown->bandits)
		bandit_view_print_json(shown->bandits, out);
	if (report->options->mirror) {
		buffer_string(out, ", \"mirror\": ");
		mirror_view_print_json(report->options->mirror, out);
	}
	buffer_string(out, "}\n");
}

static bool status_make(struct session *session, const void *filled, const char *name, struct arena *arena, struct buffer *out,
			struct error *error)
{
	const struct status_options *self = filled;
	struct report_options options = {.experiment = name, .alpha = ANALYSIS_ALPHA, .practical = ANALYSIS_PRACTICAL};
	struct experiment_data data;
	struct report report;
	struct experiment_asked asked = self->asked;
	asked.tolerance = MIRROR_TOLERANCE;
	bool good = experiment_data_open(command_workspace(session), name, &asked, arena, &data, error);
	if (good)
		experiment_data_defaults(&data, &options);
	options.mirror = data.mirrored;
	good = good && (experiment_data_rules(&data, name, arena, &options) ||
			error_memory(error, ERROR_SYSTEM, "reading the rules of an experiment"));
	good = good && report_make(&data.joined, &options, arena, &report, error);
	const struct unlearnt unlearnt = good ? unlearnt_of(&data) : (struct unlearnt){0};
	struct bandit_document bandits;
	const struct bandit_view view = {&bandits, &data.policies, text_of(name), time_of_day_ms(), arena};
	const bool has_weights = good && data.experiment && data.experiment->bandits.here.line == 0;
	const struct status_shown shown = {&report, data.has_policies ? &view : NULL, has_weights, arena};
	if (good && data.has_policies && data.experiment)
		bandit_document_take(data.experiment, arena, &bandits);
	else if (good && data.has_policies)
		(void)bandit_view_document(&data.policies, text_of(name), &bandits);
	if (good && self->form == OUTPUT_JSON)
		status_print_json(&shown, &unlearnt, out);
	else if (good)
		status_print(&shown, &unlearnt, out);
	experiment_data_close(&data);
	return good;
}

/* ---- of a rollout ---- */

static bool rollout_is_over(const struct ledger_rollout *rollout)
{
	return !rollout->has_record || text_is(rollout->record.phase, "promoted") || text_is(rollout->record.phase, "rolledBack");
}

/* What is shown of a rollout. */
struct rollout_shown {
	const char *experiment;
	bool watch;
	uint64_t records; /* of the ledger, of which the last is shown; UINT64_MAX: nothing is shown */
	bool over;	  /* it will not change any more */
	struct kafka_silence silence;
};

/* Prints what has changed. One block of many has the time. */
static bool rollout_show(struct session *session, const struct control_session *control, struct rollout_shown *shown,
			 struct error *error)
{
	char moment[MOMENT_BYTES];
	const struct ledger *ledger = applier_ledger(control->applier);
	const struct ledger_rollout *rollout = rollout_view_find(ledger, shown->experiment, error);
	struct buffer out;
	if (!rollout)
		return false;
	shown->over = rollout_is_over(rollout);
	if (shown->records == ledger->rollout_records)
		return true;
	shown->records = ledger->rollout_records;
	buffer_open(&out, OUT_BYTES_MAX);
	moment_print(time_of_day_ms(), moment);
	if (shown->watch && session->form == OUTPUT_TEXT)
		buffer_print(&out, "%s  ", moment);
	rollout_view_print(ledger, rollout, session->form == OUTPUT_JSON, session->arena, &out);
	return command_write(session, &out) == EXIT_GOOD && fflush(session->out) == 0;
}

/* Shows it, and with `watch` again until it is over. */
static bool rollout_follow(struct session *session, const struct control_session *control, const char *experiment, bool watch,
			   struct error *error)
{
	struct rollout_shown shown = {.experiment = experiment, .watch = watch, .records = UINT64_MAX};
	bool good = rollout_show(session, control, &shown, error);
	while (good && watch && !shown.over) {
		good = applier_follow(control->applier, WATCH_MS, error);
		kafka_silence_look(&shown.silence, control->config.brokers, applier_silent_ms(control->applier));
		good = good && rollout_show(session, control, &shown, error);
	}
	return good || error->kind == ERROR_NONE;
}

static int rollout_run(struct session *session, const struct pipeline_target_asked *asked, const char *experiment, bool watch)
{
	struct control_session control = {0};
	struct error error = {0};
	const struct ledger_resource *stageless = NULL;
	int code = EXIT_GOOD;
	const bool good = control_session_open(command_workspace(session), asked, &control, &error);
	if (good)
		stageless = experiment_traffic_find(applier_ledger(control.applier), experiment);
	if (stageless)
		code = traffic_show(session, &control, stageless, false);
	else if (!good || !rollout_follow(session, &control, experiment, watch, &error))
		code = command_refused(session, &error);
	control_session_close(&control);
	return code;
}

/* ---- the command ---- */

static int experiments_status_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct status_options *self = filled;
	const struct experiment_asked *asked = &self->asked;
	(void)count;
	if (asked->target.files.count == 0 && asked->exposures.count == 0 && asked->pipelines.count == 0)
		return rollout_run(session, &asked->target, arguments[0], self->watch);
	return command_report(session, status_make, self, arguments[0]);
}

const struct command command_experiments_status = {
	.name = "experiments status",
	.arguments = "EXPERIMENT",
	.summary = "Shows the state of an experiment.",
	.help = "Shows the rollout that a keeper runs (`sluice run --control`): its phase and stage, the share, calls and errors "
		"of each choice since the weights last moved, and the last move. Of a rollout that is over it also shows the "
		"table by which it ended. A newer version of its document, as a deletion, that is accepted and not in force is "
		"shown with the reason. Of an Experiment without stages, and of a "
		"SeldonDeployment whose predictors share its traffic, it shows the shares, and the version that set them.\n"
		"\n"
		"With -f, --exposures or --pipeline it reads exposures and feedback as `sluice experiments analyze` does, and "
		"shows the units and the present share of each variant, whether the split is as planned, the feedback that "
		"came, and the recommendation in one sentence. Of bandits it also shows the policies by which engines choose, the "
		"plays, the mean reward and the coefficients of each candidate, and counts rewards that the algorithm refuses, "
		"and `contextFeatures` that requests lack, which count as 0.\n"
		"\n"
		"  sluice experiments status checkout --watch --brokers localhost:9092\n"
		"  sluice experiments status checkout -f pipelines/ --brokers localhost:9092\n",
	.options = status_options,
	.options_size = sizeof(struct status_options),
	.group = "run",
	.run = experiments_status_run,
};
