/* traffic_move.c: see traffic_move.h. */
#include "cli/traffic_move.h"

#include "cli/control_proposal.h"
#include "view/rollout_preview_view.h"

#define OUT_BYTES_MAX ((size_t)64 << 20)
#define DECISION_MS 1000 /* the rest of a decision is in the topic already */

static bool move_named(const char *verb, const char *name, enum traffic_move *move, struct error *error)
{
	*move = strcmp(verb, "promote") == 0 ? TRAFFIC_PROMOTE : TRAFFIC_ROLLBACK;
	return *move == TRAFFIC_PROMOTE || strcmp(verb, "rollback") == 0 ||
	       error_set(error, ERROR_INPUT, PLACE_NONE,
			 "the predictors of the SeldonDeployment `%s` have no stages, so there is nothing to %s: `sluice "
			 "experiments promote %s` and `rollback` move their traffic",
			 name, verb, name);
}

/* The shares now, and those after the move. */
static bool shares_find(const struct document_checker *checker, const struct control_version *version, enum traffic_move move,
			struct arena *arena, struct deployment_traffic *from, struct deployment_traffic *to, struct error *error)
{
	bool moves = false;
	if (!deployment_traffic_read(checker, version->document, arena, from, error))
		return false;
	*to = deployment_traffic_moved(from, move);
	for (size_t i = 0; i < from->count; i++)
		moves = moves || from->shares[i].percent != to->shares[i].percent;
	return moves || error_set(error, ERROR_INPUT, PLACE_NONE,
				  "version %lld of the SeldonDeployment has this traffic already: `%s` has %lld%%",
				  (long long)version->version, to->shares[0].name, (long long)to->shares[0].percent);
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

/* The deployment with a newest version that is whole. A session may end reading in the middle of a decision of the keeper, whose
 * change comes behind its versions. */
static const struct ledger_resource *deployment_whole(const struct control_session *control, const char *name, struct error *error)
{
	const struct ledger *ledger = applier_ledger(control->applier);
	const struct ledger_resource *deployment = deployment_traffic_find(ledger, name);
	if (!deployment || ledger_change_find(ledger, ledger_newest(deployment)->record.change))
		return deployment;
	return applier_follow(control->applier, DECISION_MS, error) ? deployment_traffic_find(ledger, name) : NULL;
}

int traffic_move_run(struct session *session, struct control_session *control, const struct control_author *author,
		     const char *name, const char *verb, bool dry_run)
{
	const struct document_checker checker = {.kinds = session->kinds, .namespace = control->config.namespace};
	const struct ledger *ledger = applier_ledger(control->applier);
	struct deployment_traffic from, to;
	struct rollout_preview preview;
	enum traffic_move move;
	struct error error = {0};
	const struct ledger_resource *deployment = deployment_whole(control, name, &error);
	if (!deployment && error.kind == ERROR_NONE)
		(void)error_set(&error, ERROR_INPUT, PLACE_NONE, "the SeldonDeployment `%s` was deleted; apply it again", name);
	if (!deployment)
		return command_failed(session, &error);
	const struct control_version *version = deployment_traffic_version(ledger, deployment);
	struct proposal_item item = {.kind = deployment->kind,
				     .name = deployment->name,
				     .action = PROPOSAL_APPLY,
				     .expected = resource_expected(ledger, deployment),
				     .labels = version->labels};
	if (!move_named(verb, name, &move, &error) || !shares_find(&checker, version, move, session->arena, &from, &to, &error) ||
	    !deployment_traffic_write(version->document, &from, &to, session->arena, &item.document, &error))
		return command_failed(session, &error);
	if (!dry_run)
		return control_session_propose(session, control, author, (struct record_list){1, &item},
					       (struct document_places){0});
	return deployment_traffic_preview(ledger, name, &to, session->arena, &preview, &error) ? preview_print(session, &preview)
											       : command_failed(session, &error);
}

int traffic_show(struct session *session, const struct control_session *control, const struct ledger_resource *deployment,
		 bool history)
{
	const struct document_checker checker = {.kinds = session->kinds, .namespace = control->config.namespace};
	const struct traffic_view view = {applier_ledger(control->applier), deployment, &checker, session->arena,
					  session->form == OUTPUT_JSON};
	struct error error = {0};
	struct buffer out;
	buffer_open(&out, OUT_BYTES_MAX);
	if (history)
		traffic_history_print(&view, &out);
	else if (!traffic_view_print(&view, &out, &error)) {
		buffer_close(&out);
		return command_failed(session, &error);
	}
	return command_write(session, &out);
}
