/* rollout_view.c: see rollout_view.h. */
#include "tools/view/report/rollout_view.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/number/moment.h"
#include "base/quote.h"
#include "base/suggest.h"
#include "control/records/truth_record.h"
#include "experiments/rollouts/rollout.h"
#include "message/json/json_write.h"
#include "compiler/step/assignment.h"
#include "tools/view/resource_view.h"

#define PERCENT 100.0

/* ---- sums ---- */

/* What all engines have counted of one choice. */
struct variant_sum {
	struct text name;
	int64_t buckets;
	int64_t calls, errors;
	struct truth_counts truths; /* of all pipelines */
	size_t metric_count;
	struct text metrics[EXPERIMENT_METRICS_MAX]; /* names of those in `truths` */
};

static void metrics_add(struct variant_sum *sum, const struct record_list *metrics)
{
	const struct metric_truth *items = metrics->items;
	for (size_t i = 0; i < metrics->count; i++) {
		const struct metric_counts counts = metric_counts_of(&items[i]);
		size_t at = 0;
		while (at < sum->metric_count && !text_equal(sum->metrics[at], items[i].name))
			at++;
		if (at == EXPERIMENT_METRICS_MAX)
			continue;
		if (at == sum->metric_count)
			sum->metrics[sum->metric_count++] = items[i].name;
		sum->truths.metrics[at].joined += items[i].joined;
		sum->truths.metrics[at].late += items[i].late;
		arm_sums_merge(&sum->truths.metrics[at].units, &counts.units);
	}
}

static void truths_add(const struct control_rollout *record, struct variant_sum *sums, size_t count)
{
	const struct pipeline_truth *pipelines = record->truths.items;
	for (size_t i = 0; i < record->truths.count; i++) {
		const struct variant_truth *variants = pipelines[i].variants.items;
		for (size_t j = 0; j < pipelines[i].variants.count && j < count; j++) {
			sums[j].truths.units += variants[j].units;
			sums[j].truths.sum += variants[j].sum;
			sums[j].truths.joined += variants[j].joined;
			sums[j].truths.late += variants[j].late;
			metrics_add(&sums[j], &variants[j].metrics);
		}
	}
}

static size_t sums_make(const struct ledger *ledger, const struct ledger_rollout *rollout,
			struct variant_sum sums[ASSIGNMENT_WAYS_MAX])
{
	const struct ledger_choice *choice = ledger_choice_find(ledger, rollout->name);
	const struct control_table *table = NULL;
	for (size_t i = 0; choice && i < choice->count; i++)
		if (choice->tables[i]->record.version == rollout->record.table)
			table = &choice->tables[i]->record;
	const struct table_share *shares = table ? table->shares.items : NULL;
	const size_t count = table && table->shares.count <= ASSIGNMENT_WAYS_MAX ? table->shares.count : 0;
	for (size_t i = 0; i < count; i++)
		sums[i] = (struct variant_sum){.name = shares[i].name, .buckets = shares[i].buckets};
	const struct engine_tally *engines = rollout->record.engines.items;
	for (size_t i = 0; i < rollout->record.engines.count; i++) {
		const struct variant_count *variants = engines[i].variants.items;
		for (size_t j = 0; j < engines[i].variants.count && j < count; j++) {
			sums[j].calls += variants[j].calls;
			sums[j].errors += variants[j].errors;
		}
	}
	truths_add(&rollout->record, sums, count);
	return count;
}

static const struct control_move *move_last(const struct ledger_rollout *rollout)
{
	return rollout->count > 0 ? &rollout->moves[rollout->count - 1]->record : NULL;
}

/* ---- the next version ---- */

/* The document with the experiment: an Experiment, or the Pipeline of one that is written in a step, as `orders/choose`. NULL: it
 * is not kept. */
static const struct ledger_resource *document_of(const struct ledger *ledger, struct text experiment)
{
	const char *slash = experiment.length > 0 ? memchr(experiment.bytes, '/', experiment.length) : NULL;
	const struct text pipeline = {experiment.bytes, slash ? (size_t)(slash - experiment.bytes) : 0};
	return slash ? ledger_resource_find(ledger, TEXT("Pipeline"), pipeline)
		     : ledger_resource_find(ledger, TEXT("Experiment"), experiment);
}

/* The newest version of that document, if it was accepted and is not in force: the rollout is of one before it. */
static bool next_version(const struct ledger *ledger, const struct ledger_rollout *rollout, struct resource_view *next)
{
	const struct ledger_resource *document = document_of(ledger, rollout->name);
	if (!document)
		return false;
	*next = resource_view(ledger, document);
	return next->phase != CHANGE_ACTIVE;
}

static const char *deletion_of(const struct resource_view *next)
{
	return next->newest->action == CONTROL_DELETE ? ", a deletion," : "";
}

static void next_print(const struct ledger *ledger, const struct ledger_rollout *rollout, struct arena *arena, struct buffer *out)
{
	struct resource_view next;
	if (!next_version(ledger, rollout, &next))
		return;
	buffer_print(out, "  version %lld%s is accepted and not in force", (long long)next.newest->version, deletion_of(&next));
	if (next.phase == CHANGE_FAILED)
		buffer_print(out, ": it failed, and what is shown here goes on%s%s\n", next.why.length > 0 ? ". " : "",
			     text_shown(next.why, arena));
	else
		buffer_string(out, " yet: engines prepare it, and until then what is shown here goes on\n");
}

/* In one line of many: where to read of it. */
static const char *next_hint(const struct ledger *ledger, const struct ledger_rollout *rollout, struct arena *arena)
{
	struct resource_view next;
	if (!next_version(ledger, rollout, &next))
		return "";
	return arena_print(arena, "; version %lld%s %s (`sluice experiments status %s`)", (long long)next.newest->version,
			   deletion_of(&next), next.phase == CHANGE_FAILED ? "failed" : "is not in force yet",
			   text_shown(rollout->name, arena));
}

/* ---- text ---- */

/* For whom a rollout waits: somebody, and meanwhile a webhook that is asked, since the move by which it waits. */
static const char *awaited(const struct ledger_rollout *rollout, struct arena *arena)
{
	const struct control_move *last = move_last(rollout);
	char moment[MOMENT_BYTES];
	if (!rollout->record.waiting)
		return "";
	const struct text asked = last ? rollout_move_text(last->evidence, ROLLOUT_MOVE_ASKS, arena) : (struct text){0};
	if (asked.length == 0)
		return " until it is approved (`sluice experiments promote`)";
	moment_print(last->time_ms, moment);
	return arena_print(arena,
			   " until it is approved: its webhook at %s is asked since %s, for at most %s "
			   "(`sluice experiments promote` approves it at once)",
			   text_shown(asked, arena), moment,
			   text_shown(rollout_move_text(last->evidence, ROLLOUT_MOVE_ASKS_FOR, arena), arena));
}

static void state_print(const struct ledger_rollout *rollout, const char *end, struct arena *arena, struct buffer *out)
{
	const struct control_rollout *record = &rollout->record;
	char moment[MOMENT_BYTES];
	if (!rollout->has_record) {
		buffer_print(out, "%s: the experiment has no rollout any more%s\n", text_shown(rollout->name, arena), end);
		return;
	}
	moment_print(record->began_ms, moment);
	const char *waits = awaited(rollout, arena);
	buffer_print(out, "%s: %s%s, stage %lld of %lld since %s, candidates have %g%%%s\n", text_shown(rollout->name, arena),
		     text_shown(record->phase, arena), waits, (long long)record->stage, (long long)record->stages, moment,
		     PERCENT * (double)record->buckets / ASSIGNMENT_BUCKETS, end);
}

/* ---- the end ---- */

static bool rollout_has_ended(const struct control_rollout *record)
{
	return text_is(record->phase, rollout_phase_names[ROLLOUT_PROMOTED]) ||
	       text_is(record->phase, rollout_phase_names[ROLLOUT_ROLLED_BACK]);
}

/* What was counted until the move that ended the rollout, for json_decref(). NULL: it goes on, or the move does not say it. */
static json_t *ended_counts(const struct ledger_rollout *rollout, json_t **owner)
{
	const struct control_move *last = move_last(rollout);
	const bool has_ended = rollout->has_record && rollout_has_ended(&rollout->record) && last;
	*owner = has_ended ? json_loadb(last->evidence.bytes, last->evidence.length, 0, NULL) : NULL;
	return json_object_get(*owner, ROLLOUT_MOVE_COUNTED);
}

/* ---- JSON ---- */

static void metrics_print_json(const struct variant_sum *sum, struct buffer *out)
{
	buffer_string(out, ", \"metrics\": {");
	for (size_t i = 0; i < sum->metric_count; i++) {
		const struct moments units = arm_sums_ratio_moments(&sum->truths.metrics[i].units);
		json_write_string_after(out, text_of(i > 0 ? ", " : ""), sum->metrics[i]);
		buffer_print(out, ": {\"units\": %llu", (unsigned long long)units.count);
		json_write_finite_member(out, ", ", "mean", units.count > 0 ? units.mean : (double)NAN);
		buffer_print(out, ", \"inTime\": %lld, \"late\": %lld}", (long long)sum->truths.metrics[i].joined,
			     (long long)sum->truths.metrics[i].late);
	}
	buffer_byte(out, '}');
}

static void next_print_json(const struct ledger *ledger, const struct ledger_rollout *rollout, struct buffer *out)
{
	struct resource_view next;
	if (!next_version(ledger, rollout, &next))
		return;
	buffer_string(out, ", \"next\": {");
	version_json(out, next.newest, next.phase, next.why);
	buffer_byte(out, '}');
}

static void ended_print_json(const struct ledger_rollout *rollout, struct buffer *out)
{
	json_t *owner, *counts = ended_counts(rollout, &owner);
	char *text = counts ? json_dumps(counts, JSON_PRESERVE_ORDER) : NULL;
	if (text)
		buffer_print(out, ", \"" ROLLOUT_MOVE_COUNTED "\": %s", text);
	free(text);
	json_decref(owner);
}

static void state_print_json(const struct ledger *ledger, const struct ledger_rollout *rollout, const struct variant_sum *sums,
			     size_t count, struct buffer *out)
{
	const struct control_rollout *record = &rollout->record;
	const struct control_move *last = move_last(rollout);
	json_write_member(out, "{", "experiment", rollout->name);
	json_write_member(out, ", ", "phase", rollout->has_record ? record->phase : TEXT("gone"));
	if (rollout->has_record) {
		buffer_print(out, ", \"waiting\": %s, \"stage\": %lld, \"stages\": %lld, \"percent\": ",
			     record->waiting ? "true" : "false", (long long)record->stage, (long long)record->stages);
		json_write_double(out, PERCENT * (double)record->buckets / ASSIGNMENT_BUCKETS);
		buffer_print(out, ", \"version\": %lld, \"table\": %lld, \"began_ms\": %lld, \"looked_ms\": %lld, \"variants\": [",
			     (long long)record->version, (long long)record->table, (long long)record->began_ms,
			     (long long)record->looked_ms);
		for (size_t i = 0; i < count; i++) {
			json_write_member(out, i > 0 ? ", {" : "{", "name", sums[i].name);
			buffer_print(out, ", \"buckets\": %lld, \"calls\": %lld, \"errors\": %lld, \"truths\": %lld",
				     (long long)sums[i].buckets, (long long)sums[i].calls, (long long)sums[i].errors,
				     (long long)sums[i].truths.units);
			buffer_print(out, ", \"inTime\": %lld, \"late\": %lld", (long long)sums[i].truths.joined,
				     (long long)sums[i].truths.late);
			if (sums[i].truths.units > 0)
				buffer_string(out, ", \"accuracy\": ");
			if (sums[i].truths.units > 0)
				json_write_double(out, truth_moments(&sums[i].truths).mean);
			if (sums[i].metric_count > 0)
				metrics_print_json(&sums[i], out);
			buffer_byte(out, '}');
		}
		buffer_byte(out, ']');
	}
	buffer_print(out, ", \"moves\": %lld", (long long)(last ? last->number : 0));
	if (last)
		json_write_member(out, ", ", "last", last->sentence);
	ended_print_json(rollout, out);
	next_print_json(ledger, rollout, out);
	buffer_string(out, "}\n");
}

/* ---- rollouts ---- */

/* Truths that are not judged, which a column of counts would hide. */
static void late_print(int64_t joined, int64_t late, const char *of, struct buffer *out)
{
	if (late > 0)
		buffer_print(out, "    %s: %lld came within outcomeWindow, and %lld too late for it\n", of, (long long)joined,
			     (long long)late);
}

static void metrics_print(const struct variant_sum *sum, struct arena *arena, struct buffer *out)
{
	for (size_t i = 0; i < sum->metric_count; i++) {
		const struct moments units = arm_sums_ratio_moments(&sum->truths.metrics[i].units);
		buffer_print(out, "    mean of %s: ", text_shown(sum->metrics[i], arena));
		if (units.count > 0)
			buffer_print(out, "%.6g of %llu unit%s\n", units.mean, (unsigned long long)units.count,
				     units.count == 1 ? "" : "s");
		else
			buffer_string(out, "no feedback has it\n");
		late_print(sum->truths.metrics[i].joined, sum->truths.metrics[i].late, text_shown(sum->metrics[i], arena), out);
	}
}

static void rate_print(double part, double whole, struct buffer *out)
{
	if (whole > 0)
		buffer_print(out, "%7.2f%%", PERCENT * part / whole);
	else
		buffer_string(out, "       -");
}

static void header_print(struct buffer *out)
{
	buffer_print(out, "  %-32s %8s %12s %12s %8s %12s %9s\n", "CHOICE", "SHARE", "CALLS", "ERRORS", "RATE", "TRUTHS",
		     "ACCURACY");
}

/* A choice in one line of the table; `share` NaN: it is not known. */
static void choice_print(const char *name, double share, const struct variant_sum *sum, double accuracy, struct buffer *out)
{
	buffer_print(out, "  %-32s ", name);
	rate_print(share, isfinite(share), out);
	buffer_print(out, " %12lld %12lld ", (long long)sum->calls, (long long)sum->errors);
	rate_print((double)sum->errors, (double)sum->calls, out);
	buffer_print(out, " %12lld  ", (long long)sum->truths.units);
	rate_print(accuracy, sum->truths.units > 0, out);
	buffer_byte(out, '\n');
}

static void ended_metrics_print(json_t *metrics, struct arena *arena, struct buffer *out)
{
	const char *name;
	json_t *metric;
	json_object_foreach(metrics, name, metric)
	{
		const json_int_t units = json_integer_value(json_object_get(metric, "units"));
		if (units > 0)
			buffer_print(out, "    mean of %s: %.6g of %lld unit%s\n", text_shown(text_of(name), arena),
				     json_number_value(json_object_get(metric, "mean")), (long long)units, units == 1 ? "" : "s");
	}
}

/* By what the rollout ended: the table above is of the weights since then. */
static void ended_print(const struct ledger_rollout *rollout, struct arena *arena, struct buffer *out)
{
	json_t *owner, *counts = ended_counts(rollout, &owner), *choice;
	size_t at;
	if (counts) {
		buffer_string(out, "  at its end, by the weights before that move:\n");
		header_print(out);
	}
	json_array_foreach(counts, at, choice)
	{
		const struct variant_sum sum = {.calls = json_integer_value(json_object_get(choice, "calls")),
						.errors = json_integer_value(json_object_get(choice, "errors")),
						.truths = {.units = json_integer_value(json_object_get(choice, "truths"))}};
		const char *name = json_string_value(json_object_get(choice, "name"));
		choice_print(text_shown(text_of(name ? name : ""), arena), (double)NAN, &sum,
			     json_number_value(json_object_get(choice, "accuracy")), out);
		ended_metrics_print(json_object_get(choice, "metrics"), arena, out);
	}
	json_decref(owner);
}

/* A rollback moves the weights. Requests that name a choice by headers still get it. */
static void header_routes_print(const struct ledger_rollout *rollout, const struct variant_sum *sums, size_t count,
				struct arena *arena, struct buffer *out)
{
	if (!rollout->has_record || !text_is(rollout->record.phase, rollout_phase_names[ROLLOUT_ROLLED_BACK]))
		return;
	for (size_t i = 0; i < count; i++)
		if (sums[i].buckets == 0)
			buffer_print(out,
				     "  header routes still reach %s: requests with its trafficConfig.headers, or with "
				     "x-seldon-route\n",
				     text_shown(sums[i].name, arena));
}

void rollout_view_print(const struct ledger *ledger, const struct ledger_rollout *rollout, bool json, struct arena *arena,
			struct buffer *out)
{
	struct variant_sum sums[ASSIGNMENT_WAYS_MAX];
	const struct control_move *last = move_last(rollout);
	const size_t count = rollout->has_record ? sums_make(ledger, rollout, sums) : 0;
	if (json) {
		state_print_json(ledger, rollout, sums, count, out);
		return;
	}
	state_print(rollout, "", arena, out);
	next_print(ledger, rollout, arena, out);
	if (count > 0)
		header_print(out);
	for (size_t i = 0; i < count; i++) {
		choice_print(text_shown(sums[i].name, arena), (double)sums[i].buckets / ASSIGNMENT_BUCKETS, &sums[i],
			     truth_moments(&sums[i].truths).mean, out);
		late_print(sums[i].truths.joined, sums[i].truths.late, "truths", out);
		metrics_print(&sums[i], arena, out);
	}
	if (last)
		buffer_print(out, "  move %lld: %s\n", (long long)last->number, text_shown(last->sentence, arena));
	ended_print(rollout, arena, out);
	header_routes_print(rollout, sums, count, arena, out);
}

size_t rollouts_view_print(const struct ledger *ledger, bool json, struct arena *arena, struct buffer *out)
{
	const struct ledger_rollout *rollout;
	size_t count = 0;
	LIST_EACH_ROLLOUT(ledger, rollout)
	{
		if (!rollout->has_record)
			continue;
		count++;
		if (json)
			rollout_view_print(ledger, rollout, true, arena, out);
		else
			state_print(rollout, next_hint(ledger, rollout, arena), arena, out);
	}
	return count;
}

void rollout_moves_print(const struct ledger_rollout *rollout, bool json, struct arena *arena, struct buffer *out)
{
	char moment[MOMENT_BYTES];
	for (size_t i = rollout->count; i > 0; i--) {
		const struct control_move *move = &rollout->moves[i - 1]->record;
		moment_print(move->time_ms, moment);
		if (!json) {
			buffer_print(out, "%4lld  %s  %s\n", (long long)move->number, moment, text_shown(move->sentence, arena));
			if (move->reason.length > 0)
				buffer_print(out, "      %s\n", text_shown(move->reason, arena));
			continue;
		}
		json_write_member(out, "{", "experiment", move->experiment);
		buffer_print(out, ", \"number\": %lld, \"version\": %lld, \"table\": %lld, \"moved\": %lld, \"time_ms\": %lld",
			     (long long)move->number, (long long)move->version, (long long)move->table, (long long)move->moved,
			     (long long)move->time_ms);
		json_write_member(out, ", ", "sentence", move->sentence);
		json_write_member(out, ", ", "author", move->author);
		json_write_member(out, ", ", "why", move->reason);
		json_write_member(out, ", ", "keeper", move->keeper);
		buffer_string(out, ", \"evidence\": ");
		buffer_text(out, move->evidence);
		buffer_string(out, "}\n");
	}
}

/* Why an Experiment with the fields of a rollout has none. */
static void rollout_miss(const struct ledger *ledger, const struct ledger_resource *resource, const char *experiment,
			 struct error *error)
{
	const struct ledger_version *newest = ledger_newest(resource);
	const enum change_phase phase = ledger_phase(ledger, newest);
	if (phase == CHANGE_ACCEPTED)
		error_set(error, ERROR_CONFIG, PLACE_NONE,
			  "version %lld of the Experiment `%s` is not in force yet, so its rollout has not begun: `sluice wait "
			  "experiment/%s` waits for it",
			  (long long)newest->record.version, experiment, experiment);
	else if (phase == CHANGE_FAILED)
		error_set(
			error, ERROR_CONFIG, PLACE_NONE,
			"version %lld of the Experiment `%s` failed, so its rollout has not begun: `sluice history experiment/%s` "
			"says why",
			(long long)newest->record.version, experiment, experiment);
	else
		error_set(error, ERROR_CONFIG, PLACE_NONE,
			  "the Experiment `%s` has fields of a rollout, and none has begun: it has no `default`, `enabled` is "
			  "false, it cannot run, or no keeper has looked at it yet. The log of the engine that has the keeper says "
			  "why",
			  experiment);
}

/* The nearest name of a rollout, of an Experiment, or of a deployment whose traffic is one; bytes NULL: none is near. */
static struct text name_meant(const struct ledger *ledger, const char *experiment)
{
	struct suggestion suggestion = suggest_begin(text_of(experiment));
	for (const struct list_node *node = ledger->rollouts.first; node; node = node->next)
		suggest_offer(&suggestion, LIST_OWNER(node, struct ledger_rollout, node)->name);
	for (const struct list_node *node = ledger->resources.first; node; node = node->next) {
		const struct ledger_resource *resource = LIST_OWNER(node, struct ledger_resource, node);
		const bool is_one = text_is(resource->kind, "Experiment") || text_is(resource->kind, "SeldonDeployment");
		if (is_one && ledger_present(ledger, resource))
			suggest_offer(&suggestion, resource->name);
	}
	return suggestion.nearest;
}

const struct ledger_rollout *rollout_view_find(const struct ledger *ledger, const char *experiment, struct error *error)
{
	const struct ledger_rollout *rollout = ledger_rollout_find(ledger, text_of(experiment));
	const struct ledger_resource *resource = ledger_resource_find(ledger, TEXT("Experiment"), text_of(experiment));
	if (rollout)
		return rollout;
	const struct text meant = name_meant(ledger, experiment);
	if (resource && ledger_newest(resource)->record.action == CONTROL_APPLY)
		rollout_miss(ledger, resource, experiment, error);
	else if (meant.bytes && !text_is(meant, experiment))
		error_set(error, ERROR_CONFIG, PLACE_NONE, "namespace `%s` has no experiment `%s`; did you mean `" TEXT_FORMAT "`?",
			  ledger->namespace, experiment, TEXT_ARGUMENTS(meant));
	else
		error_set(error, ERROR_CONFIG, PLACE_NONE,
			  "namespace `%s` has no rollout of `%s`: apply an Experiment of that name with a `default` and a "
			  "`progressiveDeployment`; `sluice experiments list` shows those that there are",
			  ledger->namespace, experiment);
	return NULL;
}
