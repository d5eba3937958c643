/* experiments_weights.c: `sluice experiments weights`: the bucket tables in force, by which experiments and split steps choose. */
#include "base/clock.h"
#include "base/number/moment.h"
#include "base/quote.h"
#include "tools/cli/command.h"
#include "tools/client/control/control_session.h"
#include "tools/client/kafka.h"
#include "tools/client/data/policy_topics.h"
#include "control/records/control_tables.h"
#include "control/keeper/experiment_traffic.h"
#include "message/json/json_write.h"

#define OUT_BYTES_MAX ((size_t)64 << 20)
#define PERCENT 100.0

struct weights_options {
	struct pipeline_target_asked asked;
	int form;
};

static const struct option weights_options[] = {
	PIPELINE_TARGET_STATUS_FILES_ROW(struct weights_options, asked),
	PIPELINE_TARGET_ROWS(struct weights_options, asked),
	COMMAND_FORM(weights_options, form, "text json"),
	{.type = OPTION_END},
};

static double percent_of(int64_t buckets)
{
	return PERCENT * (double)buckets / ASSIGNMENT_BUCKETS;
}

/* The name of a share: of predictors that of the predictor, by which answers, exposures and other commands call it. */
static struct text share_name(const struct control_table *table, const struct experiment_traffic *predictors, size_t i)
{
	const struct table_share *shares = table->shares.items;
	return predictors->count == table->shares.count ? text_of(predictors->shares[i].name) : shares[i].name;
}

static void table_print(const struct control_table *table, const struct experiment_traffic *predictors, struct arena *arena,
			struct buffer *out)
{
	const struct table_share *shares = table->shares.items;
	char moment[MOMENT_BYTES];
	moment_print(table->time_ms, moment);
	buffer_print(out, "%s: table %lld since %s, %lld of %d buckets moved\n", text_shown(table->choice, arena),
		     (long long)table->version, moment, (long long)table->moved, ASSIGNMENT_BUCKETS);
	for (size_t i = 0; i < table->shares.count; i++)
		buffer_print(out, "  %-32s %7.2f%% %7lld buckets\n", text_shown(share_name(table, predictors, i), arena),
			     percent_of(shares[i].buckets), (long long)shares[i].buckets);
}

static void table_print_json(const struct control_table *table, const struct experiment_traffic *predictors, struct buffer *out)
{
	const struct table_share *shares = table->shares.items;
	json_write_member(out, "{", "choice", table->choice);
	json_write_member(out, ", ", "kind", table->kind);
	json_write_member(out, ", ", "name", table->name);
	buffer_print(out, ", \"version\": %lld, \"change\": %lld, \"moved\": %lld, \"time_ms\": %lld", (long long)table->version,
		     (long long)table->change, (long long)table->moved, (long long)table->time_ms);
	json_write_member(out, ", ", "table", table->table);
	buffer_string(out, ", \"shares\": [");
	for (size_t i = 0; i < table->shares.count; i++) {
		json_write_member(out, i > 0 ? ", {" : "{", "name", shares[i].name);
		if (predictors->count == table->shares.count)
			json_write_member(out, ", ", "predictor", text_of(predictors->shares[i].name));
		buffer_print(out, ", \"buckets\": %lld, \"percent\": ", (long long)shares[i].buckets);
		json_write_double(out, percent_of(shares[i].buckets));
		buffer_byte(out, '}');
	}
	buffer_string(out, "]}\n");
}

/* Whether the choice is the one that is asked for: an experiment by its name, or a step's; NULL asks for all. */
static bool choice_is(const struct control_table *table, const char *asked)
{
	return !asked || text_is(table->choice, asked) || text_is(table->name, asked);
}

/* What is shown, and of whom. */
struct weights_shown {
	const struct ledger *ledger;
	const struct document_checker *checker;
	const struct published_policies *policies;
	const char *asked; /* NULL: all */
	bool json;
	struct arena *arena;
};

/* The policy's shares, or those before the first one. The candidates have a table, too. False: no bandits choose. */
static bool bandits_print(const struct weights_shown *shown, const struct control_table *table, struct buffer *out,
			  struct error *error)
{
	struct bandit_document bandits;
	const struct bandit_view view = {&bandits, shown->policies, table->choice, time_of_day_ms(), shown->arena};
	if (!bandit_document_find(shown->checker, shown->ledger, table->choice, shown->arena, &bandits, error))
		return false;
	if (shown->json) {
		json_write_member(out, "{", "choice", table->choice);
		json_write_member(out, ", ", "kind", table->kind);
		json_write_member(out, ", ", "name", table->name);
		bandit_view_print_json(&view, out);
		buffer_string(out, "}\n");
		return true;
	}
	buffer_print(out, "%s: bandits (%s)\n", text_shown(table->choice, shown->arena), bandits.algorithm);
	bandit_view_print(&view, out);
	return true;
}

/* The predictors whose traffic a table shares, in its order; of other tables none. */
static bool predictors_find(const struct weights_shown *shown, const struct control_table *table,
			    struct experiment_traffic *predictors, struct error *error)
{
	const struct ledger_resource *resource = ledger_resource_find(shown->ledger, table->kind, table->name);
	const struct ledger_version *version = resource ? ledger_in_force(shown->ledger, resource) : NULL;
	struct error unread = {0};
	*predictors = (struct experiment_traffic){0};
	if (!version || experiment_traffic_table(shown->ledger, resource) != table ||
	    !experiment_traffic_read(shown->checker, version->record.document, shown->arena, predictors, &unread) ||
	    !predictors->are_predictors)
		predictors->count = 0;
	if (unread.kind == ERROR_SYSTEM)
		*error = unread;
	return unread.kind != ERROR_SYSTEM;
}

static size_t tables_print(const struct weights_shown *shown, struct buffer *out, struct error *error)
{
	const struct ledger_choice *choice;
	size_t count = 0;
	LIST_EACH_CHOICE(shown->ledger, choice)
	{
		const struct ledger_table *table = control_table_at(shown->ledger, choice, CONTROL_IN_FORCE);
		if (!table || table->record.shares.count == 0 || !choice_is(&table->record, shown->asked))
			continue;
		count++;
		if (bandits_print(shown, &table->record, out, error))
			continue;
		struct experiment_traffic predictors;
		if (!predictors_find(shown, &table->record, &predictors, error))
			return count;
		if (shown->json)
			table_print_json(&table->record, &predictors, out);
		else
			table_print(&table->record, &predictors, shown->arena, out);
	}
	return count;
}

static int weights_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct weights_options *self = filled;
	const char *asked = count > 0 ? arguments[0] : NULL;
	struct control_session control = {0};
	struct published_policies policies;
	struct error error = {0};
	struct buffer out;
	if (!control_session_open(command_workspace(session), &self->asked, &control, &error) ||
	    !policy_topics_read(command_workspace(session), &control, asked, session->arena, &policies, &error)) {
		control_session_close(&control);
		return command_refused(session, &error);
	}
	buffer_open(&out, OUT_BYTES_MAX);
	const struct ledger *ledger = applier_ledger(control.applier);
	const bool json = session->form == OUTPUT_JSON;
	const struct document_checker checker = {.kinds = session->kinds, .namespace = control.config.namespace};
	const struct weights_shown shown = {ledger, &checker, &policies, asked, json, session->arena};
	const size_t tables = tables_print(&shown, &out, &error);
	if (tables == 0 && !asked && !json)
		buffer_string(&out, "no experiment or split is in force\n");
	int code = command_write(session, &out);
	if (error.kind == ERROR_SYSTEM) {
		code = command_refused(session, &error);
	} else if (tables == 0 && asked) {
		error_set(&error, ERROR_CONFIG, PLACE_NONE,
			  "namespace `%s` has no table of `%s` in force: name an experiment, a pipeline, or PIPELINE/STEP; "
			  "`sluice experiments weights` lists all",
			  ledger->namespace, asked);
		code = command_refused(session, &error);
	}
	control_session_close(&control);
	return code;
}

const struct command command_experiments_weights = {
	.name = "experiments weights",
	.arguments = "[NAME]",
	.summary = "Shows the traffic shares that are in force now.",
	.help = "Experiments and steps that split traffic have a table of 10000 buckets, recorded by the keeper: a unit keeps its "
		"bucket, and a change of weights moves as few of them as it must. Of bandits the shares are those of the policy "
		"that engines choose by, with its version and its age, or they depend on the context; before the first policy they "
		"are those of the warmStart, or of the weights. NAME is an experiment, a pipeline, or PIPELINE/STEP; without it "
		"all tables are shown. A rollout moves its table by itself: `sluice experiments history` says why.\n"
		"\n"
		"  sluice experiments weights checkout --brokers localhost:9092\n"
		"  sluice experiments weights -o json\n",
	.options = weights_options,
	.options_size = sizeof(struct weights_options),
	.group = "run",
	.run = weights_run,
};
