/* experiment_rows.c: Option rows of an Experiment resource, from compiler/step/experiment.h; and the faults of any experiment,
 * also of one inline in a step, under the codes of lint. */
#include "base/number/duration.h"
#include "compiler/resources/annotations.h"
#include "compiler/resources/rows.h"
#include "compiler/yaml/fault_codes.h"

struct experiment_resource_spec {
	struct experiment_spec own;
};

const struct option experiment_rows[] = {
	EXPERIMENT_ROWS(struct experiment_resource_spec, own, true),
	{.type = OPTION_END},
};

struct telling {
	const struct experiment_spec *experiment;
	struct faults *faults;
};

/* A weight that was refused counts as 0, and is not meant so. */
static bool has_refused_weight(const struct telling *telling)
{
	const struct candidate *candidates = telling->experiment->candidates.items;
	for (size_t i = 0; i < telling->experiment->candidates.count; i++)
		if (faults_refused(telling->faults, candidates[i].weight_place))
			return true;
	return false;
}

static void fault_note(void *context, enum experiment_fault fault, struct place place, const char *suggest, const char *text)
{
	static const char *const codes[] = {
		[EXPERIMENT_EMPTY] = CODE_EMPTY_VALUE,
		[EXPERIMENT_REPEATED] = CODE_REPEATED_NAME,
		[EXPERIMENT_NO_CANDIDATE] = CODE_NO_CANDIDATE,
		[EXPERIMENT_NO_WEIGHT] = CODE_NO_WEIGHT,
		[EXPERIMENT_NOT_LEARNING] = CODE_BANDITS,
		[EXPERIMENT_NO_EXPLORING] = CODE_IGNORED_SETTING,
		[EXPERIMENT_IGNORED] = CODE_IGNORED_SETTING,
		[EXPERIMENT_ALL_HELD] = CODE_IGNORED_SETTING,
		[EXPERIMENT_TOO_MANY] = CODE_MANY_CANDIDATES,
		[EXPERIMENT_NO_DEFAULT] = CODE_NO_CANDIDATE,
		[EXPERIMENT_BAD_LAYER] = CODE_LAYER,
	};
	const struct telling *telling = context;
	if (fault != EXPERIMENT_NO_WEIGHT || !has_refused_weight(telling))
		fault_add(telling->faults, codes[fault], place, suggest, "%s", text);
}

static void check_action(const struct move_action *action, struct faults *faults)
{
	if (action->type == MOVE_WEBHOOK)
		webhook_action_check(action->url, action->secret, action->here, faults);
	else if (action->url || action->secret)
		fault_add(faults, CODE_CONTRADICTION, action->here, NULL,
			  "`topic` has no `url` or `secret`: these are of a `webhook`");
}

static void check_confirm(const struct confirm_webhook *confirm, struct place here, struct faults *faults)
{
	const int64_t timeout_ms = confirm->timeout_ns / NS_PER_MS;
	const struct written_webhook webhook = {confirm->url, confirm->secret, "`confirm`", "confirmSecret",
						confirm->url ? confirm->url_place : here};
	webhook_check(&webhook, faults);
	if (timeout_ms < CONFIRM_MS_LEAST || timeout_ms > CONFIRM_MS_MOST)
		fault_add(faults, CODE_OUT_OF_RANGE, confirm->timeout_place, NULL,
			  "`confirmTimeout` is %lld ms, and may be from 1s to 1h", (long long)timeout_ms);
	if (!confirm->url && (confirm->timeout_place.line > 0 || confirm->secret))
		fault_add(faults, CODE_IGNORED_SETTING, here, NULL,
			  "no webhook is asked, so `confirmTimeout` and `confirmSecret` do nothing; write `confirm`, its address");
}

static void check_confirms(const struct experiment_spec *experiment, struct faults *faults)
{
	const struct rollout_stage *stages = experiment->progressive.stages.items;
	for (size_t i = 0; i < experiment->progressive.stages.count; i++)
		check_confirm(&stages[i].confirm, stages[i].here, faults);
	if (experiment->promotion.here.line > 0)
		check_confirm(&experiment->promotion.confirm, experiment->promotion.here, faults);
}

static void check_actions(const struct experiment_spec *experiment, struct faults *faults)
{
	const struct move_action *actions = experiment->actions.items;
	for (size_t i = 0; i < experiment->actions.count; i++)
		check_action(&actions[i], faults);
	if (experiment->actions.count > MOVE_ACTIONS_MAX)
		fault_add(faults, CODE_OUT_OF_RANGE, experiment->actions_place, NULL,
			  "there are %zu actions, and at most %d are allowed; leave some out", experiment->actions.count,
			  MOVE_ACTIONS_MAX);
	if (experiment->actions.count > 0 && !experiment_is_rolled_out(experiment))
		fault_add(faults, CODE_IGNORED_SETTING, experiment->actions_place, NULL,
			  "the experiment has no rollout, so the actions get no notice; write a default, and progressiveDeployment "
			  "or promotionPolicy");
}

/* A percentage that was refused counts as 0, and is not meant so. */
void experiment_mirror_check(const struct experiment_spec *experiment, struct faults *faults)
{
	const struct place place = experiment->mirror_percent_place;
	if (place.line > 0 && experiment->mirror_percent == 0 && !faults_refused(faults, place))
		fault_add(faults, CODE_IGNORED_SETTING, place, NULL,
			  "the mirror gets 0%% of the requests, so none is copied; write a greater `percent`, or leave it out");
}

/* Candidates of a rollout that have no weights to divide its stages by. */
static void check_parts(const struct experiment_spec *experiment, struct faults *faults)
{
	const struct candidate *candidates = experiment->candidates.items;
	struct place first = PLACE_NONE;
	size_t count = 0;
	for (size_t i = 0; i < experiment->candidates.count; i++) {
		if (strings_equal(candidates[i].name.text, experiment->default_name.text))
			continue;
		if (candidates[i].weight != 0 || faults_refused(faults, candidates[i].weight_place))
			return;
		first = count++ == 0 ? candidates[i].weight_place : first;
	}
	if (count > 1 && experiment_is_staged(experiment))
		fault_add(
			faults, CODE_IGNORED_SETTING, first, NULL,
			"all candidates beside the default have the weight 0, so they divide each stage evenly; write the weights "
			"by which they divide it, and 0 for one that gets nothing");
}

/* Weights above 0 that are too small beside the others. */
static void check_buckets(const struct experiment_spec *experiment, struct faults *faults)
{
	const struct candidate *candidates = experiment->candidates.items;
	struct share shares[ASSIGNMENT_WAYS_MAX];
	size_t buckets[ASSIGNMENT_WAYS_MAX];
	const size_t count = experiment_shares(experiment, shares);
	const bool counts = experiment->bandits.here.line == 0 && count > 0 && assignment_count(shares, count, buckets);
	for (size_t i = 0; counts && i < experiment->candidates.count; i++)
		if (buckets[i] == 0 && shares[i].weight > 0)
			fault_add(faults, CODE_IGNORED_SETTING, candidates[i].weight_place, NULL,
				  "`%s` gets none of the %d buckets into which units are divided%s: beside the others its weight "
				  "is too small; write a greater one, or 0",
				  shares[i].name, ASSIGNMENT_BUCKETS,
				  experiment_is_staged(experiment) ? ", at the first stage" : "");
}

/* Parts of a layer and holdouts have whole buckets. */
static void check_audience_buckets(const struct experiment_spec *experiment, struct faults *faults)
{
	const struct layer_part *layer = &experiment->layer;
	const struct audience audience = audience_of(layer, experiment->holdout);
	if (audience.from >= audience.to && layer->share > 0 && layer->from + layer->share <= 1)
		fault_add(
			faults, CODE_IGNORED_SETTING, layer->here, NULL,
			"the part of layer `%s` gets none of the %d buckets into which units are divided, so the experiment has no "
			"unit; write a greater share",
			layer->name.text ? layer->name.text : "", ASSIGNMENT_BUCKETS);
	if (experiment->holdout > 0 && audience.held == 0)
		fault_add(faults, CODE_IGNORED_SETTING, experiment->holdout_place, NULL,
			  "`holdout` gets none of the %d buckets into which units are divided, so no unit is held out; write a "
			  "greater one, or 0",
			  ASSIGNMENT_BUCKETS);
	if (experiment->holdout < 1 && audience.held == ASSIGNMENT_BUCKETS)
		fault_add(
			faults, CODE_IGNORED_SETTING, experiment->holdout_place, NULL,
			"`holdout` gets all of the %d buckets into which units are divided, so no unit is exposed; hold out fewer",
			ASSIGNMENT_BUCKETS);
}

/* Units that are held out, or are of another part of the layer, get the default, as an override of the default does. */
static void check_overrides(const struct experiment_spec *experiment, struct faults *faults)
{
	const struct experiment_override *overrides = experiment->overrides.items;
	const bool has_layer = experiment->layer.here.line > 0, has_holdout = experiment->holdout > 0;
	size_t i = 0;
	while (i < experiment->overrides.count && strings_equal(overrides[i].candidate.text, experiment->default_name.text))
		i++;
	if (i < experiment->overrides.count && (has_layer || has_holdout))
		fault_add(faults, CODE_OVERRIDES_FIRST, overrides[i].candidate.place, NULL,
			  "overrides come before %s, so `%s` gets this candidate even if it is %s",
			  has_layer && has_holdout ? "`layer` and `holdout`"
			  : has_layer		   ? "`layer`"
						   : "`holdout`",
			  overrides[i].unit.text ? overrides[i].unit.text : "",
			  has_layer && has_holdout ? "of another part of the layer, or held out"
			  : has_layer		   ? "of another part of the layer"
						   : "held out");
}

void experiment_say(const struct experiment_spec *experiment, const char *criteria, struct faults *faults)
{
	struct telling telling = {experiment, faults};
	experiment_faults(experiment, &(struct experiment_listener){&telling, criteria, fault_note});
	check_actions(experiment, faults);
	check_confirms(experiment, faults);
	experiment_mirror_check(experiment, faults);
	check_parts(experiment, faults);
	check_buckets(experiment, faults);
	check_audience_buckets(experiment, faults);
	check_overrides(experiment, faults);
	experiment_headers_check(experiment, faults);
}

/* A pipeline of the experiment's own name would be the one that splits. */
static void check_self(const struct resource *resource, const struct experiment_spec *experiment, struct faults *faults)
{
	const struct candidate *candidates = experiment->candidates.items;
	for (size_t i = 0; i <= experiment->candidates.count; i++) {
		const struct name *name = i < experiment->candidates.count ? &candidates[i].name : &experiment->mirror_name;
		if (name->text && resource->name.text && strcmp(name->text, resource->name.text) == 0)
			fault_add(faults, CODE_SELF_REFERENCE, name->place, NULL,
				  "the experiment `%s` names itself; name a pipeline of another name", name->text);
	}
}

void experiment_check(const struct resource *resource, struct faults *faults)
{
	/* Candidates that are missing, too many, or no list, were said already. */
	const struct experiment_spec *experiment = resource->spec;
	const struct node *candidates = node_get(node_get(resource->node, "spec"), "candidates");
	if (!candidates || candidates->type != NODE_LIST || candidates->count != experiment->candidates.count)
		return;
	experiment_say(experiment, criteria_field(resource->node), faults);
	if (experiment->resource_type == EXPERIMENT_PIPELINE)
		check_self(resource, experiment, faults);
}
