/* traffic_move.c: see traffic_move.h. */
#include "tools/cli/traffic_move.h"

#include "base/clock.h"
#include "tools/cli/control_proposal.h"
#include "tools/client/data/policy_topics.h"
#include "tools/view/report/rollout_plan_view.h"

#define OUT_BYTES_MAX ((size_t)64 << 20)
#define DECISION_MS 1000 /* the rest of a decision is in the topic already */

static bool move_named(const char *verb, const struct ledger_resource *resource, const char *name, enum traffic_move *move,
		       struct error *error)
{
	*move = strcmp(verb, "promote") == 0 ? TRAFFIC_PROMOTE : TRAFFIC_ROLLBACK;
	return *move == TRAFFIC_PROMOTE || strcmp(verb, "rollback") == 0 ||
	       error_set(error, ERROR_INPUT, PLACE_NONE,
			 "the " TEXT_FORMAT " `%s` has no stages, so there is nothing to %s: its traffic moves only by `sluice "
			 "experiments promote %s`, `rollback` or `sluice apply`",
			 TEXT_ARGUMENTS(resource->kind), name, verb, name);
}

/* The shares after the move. */
static bool shares_move(const struct ledger_resource *resource, const struct control_version *version, enum traffic_move move,
			const struct experiment_traffic *from, struct experiment_traffic *to, struct error *error)
{
	bool moves = false;
	if (from->given == from->count)
		return error_set(
			error, ERROR_INPUT, PLACE_NONE,
			"the Experiment has no `default`, so it does not say which candidate the traffic is to leave or to "
			"return to; apply it with a `default`, or with other weights");
	*to = experiment_traffic_moved(from, move);
	for (size_t i = 0; i < from->count; i++)
		moves = moves || experiment_traffic_percent(from, i) != experiment_traffic_percent(to, i);
	return moves || error_set(error, ERROR_INPUT, PLACE_NONE,
				  "version %lld of the " TEXT_FORMAT " has this traffic already: `%s` has %.4g%%",
				  (long long)version->version, TEXT_ARGUMENTS(resource->kind), to->shares[to->given].name,
				  experiment_traffic_percent(to, to->given));
}

static int preview_print(struct session *session, const struct rollout_preview *preview)
{
	struct buffer out;
	buffer_open(&out, OUT_BYTES_MAX);
	if (session->form == OUTPUT_JSON)
		rollout_preview_print_json(preview, &out);
	else
		rollout_preview_print(preview, session->arena, &out);
	return command_write(session, &out);
}

/* The resource with a newest version that is whole. A session may end reading in the middle of a decision of the keeper, whose
 * change comes behind its versions. */
static const struct ledger_resource *resource_whole(const struct control_session *control, const char *name, struct error *error)
{
	const struct ledger *ledger = applier_ledger(control->applier);
	const struct ledger_resource *resource = experiment_traffic_find(ledger, name);
	if (!resource || ledger_change_find(ledger, ledger_newest(resource)->record.change))
		return resource;
	return applier_follow(control->applier, DECISION_MS, error) ? experiment_traffic_find(ledger, name) : NULL;
}

int traffic_move_run(struct session *session, struct control_session *control, const struct control_author *author,
		     const char *name, const char *verb, bool dry_run)
{
	const struct document_checker checker = {.kinds = session->kinds, .namespace = control->config.namespace};
	const struct ledger *ledger = applier_ledger(control->applier);
	struct experiment_traffic from, to;
	struct rollout_preview preview;
	enum traffic_move move;
	struct error error = {0};
	const struct ledger_resource *resource = resource_whole(control, name, &error);
	if (!resource && error.kind == ERROR_NONE)
		(void)error_set(&error, ERROR_INPUT, PLACE_NONE, "`%s` was deleted; apply it again", name);
	if (!resource)
		return command_failed(session, &error);
	const struct control_version *version = experiment_traffic_version(ledger, resource);
	struct proposal_item item = {.kind = resource->kind,
				     .name = resource->name,
				     .action = PROPOSAL_APPLY,
				     .expected = resource_expected(ledger, resource),
				     .labels = version->labels};
	if (!experiment_traffic_read(&checker, version->document, session->arena, &from, &error) ||
	    !move_named(verb, resource, name, &move, &error) || !shares_move(resource, version, move, &from, &to, &error) ||
	    !experiment_traffic_write(version->document, &from, &to, session->arena, &item.document, &error))
		return command_failed(session, &error);
	if (!dry_run)
		return control_session_propose(session, control, author, (struct record_list){1, &item},
					       (struct document_places){0});
	return experiment_traffic_preview(ledger, resource, &to, session->arena, &preview, &error)
		       ? preview_print(session, &preview)
		       : command_failed(session, &error);
}

int traffic_show(struct session *session, const struct control_session *control, const struct ledger_resource *resource,
		 bool history)
{
	const struct document_checker checker = {.kinds = session->kinds, .namespace = control->config.namespace};
	const char *name = arena_copy(session->arena, resource->name.bytes, resource->name.length);
	struct published_policies policies = {0};
	struct error error = {0};
	struct buffer out;
	if (!name && !error_memory(&error, ERROR_SYSTEM, "showing an experiment"))
		return command_failed(session, &error);
	if (!history && !policy_topics_read(command_workspace(session), control, name, session->arena, &policies, &error))
		return command_failed(session, &error);
	const struct traffic_view view = {applier_ledger(control->applier), resource,  &checker,	session->arena,
					  session->form == OUTPUT_JSON,	    &policies, time_of_day_ms()};
	buffer_open(&out, OUT_BYTES_MAX);
	if (history)
		traffic_history_print(&view, &out);
	else if (!traffic_view_print(&view, &out, &error)) {
		buffer_close(&out);
		return command_failed(session, &error);
	}
	return command_write(session, &out);
}
