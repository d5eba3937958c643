/* traffic_view.c: see traffic_view.h. */
#include "tools/view/report/traffic_view.h"

#include "base/number/moment.h"
#include "base/quote.h"
#include "message/json/json_write.h"
#include "tools/view/resource_view.h"

#define PERCENT 100.0

/* ---- one experiment ---- */

static bool traffic_read(const struct traffic_view *view, const struct control_version *version, struct experiment_traffic *traffic,
			 struct error *error)
{
	return experiment_traffic_read(view->checker, version->document, view->arena, traffic, error);
}

/* The table in force, if it is of these shares. */
static const struct table_share *buckets_of(const struct traffic_view *view, const struct experiment_traffic *traffic)
{
	const struct control_table *table = experiment_traffic_table(view->ledger, view->resource);
	return table && table->shares.count == traffic->count ? table->shares.items : NULL;
}

static double percent_of(const struct experiment_traffic *traffic, const struct table_share *buckets, size_t i)
{
	return buckets ? PERCENT * (double)buckets[i].buckets / ASSIGNMENT_BUCKETS : experiment_traffic_percent(traffic, i);
}

static bool is_in_force(const struct traffic_view *view, const struct control_version *version)
{
	const struct ledger_version *in_force = ledger_in_force(view->ledger, view->resource);
	return in_force && in_force->record.version == version->version;
}

static void author_print(const struct control_version *version, struct arena *arena, struct buffer *out)
{
	if (version->author.length > 0)
		buffer_print(out, " by %s (as stated)", text_shown(version->author, arena));
	if (version->reason.length > 0)
		buffer_print(out, ": %s", text_shown(version->reason, arena));
}

static void state_print(const struct traffic_view *view, const struct control_version *version, const char *what,
			struct buffer *out)
{
	char moment[MOMENT_BYTES];
	moment_print(version->time_ms, moment);
	buffer_print(out, "%s: %s, version %lld since %s", text_shown(view->resource->name, view->arena), what,
		     (long long)version->version, moment);
	author_print(version, view->arena, out);
	buffer_string(out, is_in_force(view, version) ? "\n" : "; it is not in force yet\n");
}

/* Up to the shares. */
static void begin_print_json(const struct traffic_view *view, const struct control_version *version, struct buffer *out)
{
	json_write_member(out, "{", "experiment", view->resource->name);
	json_write_member(out, ", ", "kind", view->resource->kind);
	buffer_print(out, ", \"version\": %lld, \"in_force\": %s, \"time_ms\": %lld", (long long)version->version,
		     is_in_force(view, version) ? "true" : "false", (long long)version->time_ms);
	json_write_member(out, ", ", "author", version->author);
	json_write_member(out, ", ", "why", version->reason);
}

static void state_print_json(const struct traffic_view *view, const struct control_version *version,
			     const struct experiment_traffic *traffic, struct buffer *out)
{
	const struct table_share *buckets = buckets_of(view, traffic);
	begin_print_json(view, version, out);
	buffer_string(out, ", \"variants\": [");
	for (size_t i = 0; i < traffic->count; i++) {
		json_write_member(out, i > 0 ? ", {" : "{", "name", text_of(traffic->shares[i].name));
		buffer_print(out, ", \"traffic\": %lld, \"percent\": ", (long long)traffic->shares[i].weight);
		json_write_double(out, percent_of(traffic, buckets, i));
		buffer_print(out, ", \"default\": %s}", i == traffic->given ? "true" : "false");
	}
	buffer_string(out, "]}\n");
}

/* ---- bandits ---- */

/* Whether bandits choose in that version; else they are none. */
static bool bandits_read(const struct traffic_view *view, const struct control_version *version, struct bandit_document *bandits,
			 struct error *error)
{
	*bandits = (struct bandit_document){0};
	return text_is(view->resource->kind, "Experiment") &&
	       bandit_document_read(view->checker, version->document, view->resource->name, view->arena, bandits, error);
}

static struct bandit_view bandit_view_of(const struct traffic_view *view, const struct bandit_document *bandits)
{
	return (struct bandit_view){bandits, view->policies, view->resource->name, view->now_ms, view->arena};
}

static void bandits_print(const struct traffic_view *view, const struct control_version *version,
			  const struct bandit_document *bandits, struct buffer *out)
{
	const struct bandit_view shown = bandit_view_of(view, bandits);
	if (view->json) {
		begin_print_json(view, version, out);
		bandit_view_print_json(&shown, out);
		buffer_string(out, "}\n");
		return;
	}
	state_print(view, version, arena_print(view->arena, "bandits (%s) of an Experiment", bandits->algorithm), out);
	bandit_view_print(&shown, out);
}

/* ---- one of either ---- */

bool traffic_view_print(const struct traffic_view *view, struct buffer *out, struct error *error)
{
	const struct control_version *version = experiment_traffic_version(view->ledger, view->resource);
	struct experiment_traffic traffic;
	struct bandit_document bandits;
	if (bandits_read(view, version, &bandits, error)) {
		bandits_print(view, version, &bandits, out);
		return true;
	}
	if (error->kind != ERROR_NONE || !traffic_read(view, version, &traffic, error))
		return false;
	if (view->json) {
		state_print_json(view, version, &traffic, out);
		return true;
	}
	const struct table_share *buckets = buckets_of(view, &traffic);
	state_print(view, version, traffic.are_predictors ? "predictors of a SeldonDeployment" : "candidates of an Experiment",
		    out);
	buffer_print(out, "  %-32s %8s\n", "CHOICE", "SHARE");
	for (size_t i = 0; i < traffic.count; i++)
		buffer_print(out, "  %-32s %7.2f%%%s\n", text_shown(text_of(traffic.shares[i].name), view->arena),
			     percent_of(&traffic, buckets, i), i == traffic.given ? " (default)" : "");
	return true;
}

/* ---- all of them ---- */

static void line_print(const struct traffic_view *view, const struct control_version *version,
		       const struct experiment_traffic *traffic, const struct bandit_document *bandits, struct buffer *out)
{
	const struct bandit_view learns = bandit_view_of(view, bandits);
	buffer_print(out, "%s: ", text_shown(view->resource->name, view->arena));
	if (bandits->count > 0)
		bandit_view_print_short(&learns, out);
	else
		experiment_traffic_print(traffic, out);
	buffer_print(out, ", version %lld of %s\n", (long long)version->version,
		     traffic->are_predictors ? "a SeldonDeployment" : "an Experiment");
}

/* Whether it has shares. */
static bool one_print(const struct traffic_view *view, struct buffer *out)
{
	const struct control_version *version = experiment_traffic_version(view->ledger, view->resource);
	struct experiment_traffic traffic = {0};
	struct bandit_document bandits;
	struct error alone = {0}; /* one predictor is no experiment */
	const bool learns = bandits_read(view, version, &bandits, &alone);
	if (!learns && !traffic_read(view, version, &traffic, &alone))
		return false;
	if (!view->json)
		line_print(view, version, &traffic, &bandits, out);
	else if (learns)
		bandits_print(view, version, &bandits, out);
	else
		state_print_json(view, version, &traffic, out);
	return true;
}

size_t traffic_views_print(const struct traffic_view *view, struct buffer *out)
{
	const struct ledger_resource *resource;
	size_t count = 0;
	LIST_EACH_RESOURCE(view->ledger, resource)
	{
		const char *name = arena_copy(view->arena, resource->name.bytes, resource->name.length);
		struct traffic_view one = *view;
		one.resource = resource;
		if (name && experiment_traffic_find(view->ledger, name) == resource)
			count += one_print(&one, out);
	}
	return count;
}

/* ---- versions ---- */

static void version_print(const struct traffic_view *view, const struct control_version *version, const char *phase,
			  const struct experiment_traffic *traffic, const struct bandit_document *bandits, struct buffer *out)
{
	char moment[MOMENT_BYTES];
	moment_print(version->time_ms, moment);
	buffer_print(out, "%4lld  %s  ", (long long)version->version, moment);
	if (version->action == CONTROL_DELETE)
		buffer_string(out, "deleted");
	else if (bandits->count > 0)
		buffer_print(out, "bandits (%s) of ", bandits->algorithm);
	else if (traffic->count == 0)
		buffer_string(out, "no shares");
	else
		experiment_traffic_print(traffic, out);
	for (size_t i = 0; version->action != CONTROL_DELETE && i < bandits->count; i++)
		buffer_print(out, "%s%s", i > 0 ? ", " : "", text_shown(bandits->names[i], view->arena));
	buffer_print(out, " (%s)", phase);
	author_print(version, view->arena, out);
	buffer_byte(out, '\n');
}

static void version_print_json(const struct traffic_view *view, const struct control_version *version, const char *phase,
			       const struct experiment_traffic *traffic, const struct bandit_document *bandits, struct buffer *out)
{
	json_write_member(out, "{", "experiment", view->resource->name);
	buffer_print(out, ", \"version\": %lld, \"time_ms\": %lld", (long long)version->version, (long long)version->time_ms);
	json_write_member(out, ", ", "action", text_of(version->action == CONTROL_DELETE ? "delete" : "apply"));
	json_write_member(out, ", ", "phase", text_of(phase));
	json_write_member(out, ", ", "author", version->author);
	json_write_member(out, ", ", "why", version->reason);
	buffer_string(out, ", \"traffic\": {");
	for (size_t i = 0; i < traffic->count; i++) {
		json_write_string_after(out, text_of(i > 0 ? ", " : ""), text_of(traffic->shares[i].name));
		buffer_print(out, ": %lld", (long long)traffic->shares[i].weight);
	}
	buffer_byte(out, '}');
	if (bandits->count > 0)
		json_write_member(out, ", ", "by", text_of(bandits->algorithm));
	for (size_t i = 0; i < bandits->count; i++)
		json_write_string_after(out, text_of(i > 0 ? ", " : ", \"candidates\": ["), bandits->names[i]);
	buffer_string(out, bandits->count > 0 ? "]}\n" : "}\n");
}

void traffic_history_print(const struct traffic_view *view, struct buffer *out)
{
	for (size_t i = view->resource->count; i > 0; i--) {
		const struct ledger_version *version = view->resource->versions[i - 1];
		struct experiment_traffic traffic = {0};
		struct bandit_document bandits = {0};
		struct error alone = {0};
		struct text why;
		const char *phase = change_phase_name(version_phase(view->ledger, version, &why));
		if (!bandits_read(view, &version->record, &bandits, &alone) &&
		    !traffic_read(view, &version->record, &traffic, &alone))
			traffic.count = 0;
		(view->json ? version_print_json : version_print)(view, &version->record, phase, &traffic, &bandits, out);
	}
}
