/* bandit_document.c: see bandit_document.h. */
#include "control/keeper/bandit_document.h"

#include <math.h>

#include "methods/bandits/policy.h"
#include "base/number/duration.h"
#include "control/keeper/experiment_traffic.h"
#include "message/rows.h"
#include "compiler/resources/experiment_walk.h"

#define SHARE_ROUNDED 1e-9

static void start_by_weights(const struct share *shares, struct bandit_document *bandits)
{
	double sum = 0;
	for (size_t i = 0; i < bandits->count; i++)
		sum += shares[i].weight;
	for (size_t i = 0; i < bandits->count; i++) {
		bandits->start_shares[i] = shares[i].weight / sum;
		if (fabs(bandits->start_shares[i] - bandits->start_shares[0]) > SHARE_ROUNDED)
			bandits->start = BANDIT_START_WEIGHTS;
	}
}

/* A warm start that the algorithm refuses is a fault of the document; the weights are shown then. */
static void start_warm(const struct experiment_spec *experiment, const struct bandit_prior *priors, struct arena *arena,
		       struct bandit_document *bandits)
{
	const struct bandit_options options = experiment_bandit(experiment, bandits->count, 0);
	struct error refused = {0};
	const struct policy *policy = policy_begin_warm(arena, &options, priors, 0, &refused);
	if (!policy)
		return;
	policy_probabilities(policy, NULL, bandits->start_shares);
	bandits->start = BANDIT_START_WARM;
}

void bandit_document_take(const struct experiment_spec *experiment, struct arena *arena, struct bandit_document *bandits)
{
	struct share shares[ASSIGNMENT_WAYS_MAX];
	const struct name_list *features = &experiment->bandits.context_features;
	struct text *names = ARENA_ARRAY(arena, struct text, features->count + 1);
	*bandits = (struct bandit_document){0};
	bandits->algorithm = experiment_algorithm(experiment);
	bandits->explore = experiment->bandits.explore;
	bandits->interval_ms = experiment->bandits.update_interval_ns / NS_PER_MS;
	bandits->count = experiment_shares(experiment, shares);
	for (size_t i = 0; i < bandits->count; i++)
		bandits->names[i] = text_copied(arena, text_of(shares[i].name));
	const bool is_contextual = experiment_bandit(experiment, bandits->count, features->count).features > 0;
	for (size_t i = 0; names && is_contextual && i < features->count; i++, bandits->feature_count++)
		names[i] = text_copied(arena, text_of(features->items[i].text));
	bandits->features = names;
	struct bandit_prior priors[ASSIGNMENT_WAYS_MAX];
	start_by_weights(shares, bandits);
	if (bandits->feature_count == 0 && experiment_priors(experiment, shares, bandits->count, priors))
		start_warm(experiment, priors, arena, bandits);
}

bool bandit_document_read(const struct document_checker *checker, struct text document, struct text experiment, struct arena *arena,
			  struct bandit_document *bandits, struct error *error)
{
	const struct spec_options options = {.kinds = checker->kinds, .namespace = checker->namespace, .names = arena};
	const char *name = arena_copy(arena, experiment.bytes, experiment.length);
	struct error unreadable = {0}; /* as one of another version of sluice */
	struct spec spec;
	*bandits = (struct bandit_document){0};
	if (!name || !spec_open(&spec, error))
		return false;
	const struct experiment_spec *found =
		spec_read_text(&spec, "document", document, &options, &unreadable) ? experiment_named(&spec, name, arena) : NULL;
	const bool learns = found && found->bandits.here.line > 0;
	if (learns)
		bandit_document_take(found, arena, bandits);
	spec_close(&spec);
	return arena_failed(arena) ? error_memory(error, ERROR_SYSTEM, "reading the bandits of an experiment") : learns;
}

bool bandit_document_find(const struct document_checker *checker, const struct ledger *ledger, struct text experiment,
			  struct arena *arena, struct bandit_document *bandits, struct error *error)
{
	struct text rest = experiment;
	const struct text pipeline = text_take_until(&rest, '/');
	const struct ledger_resource *resource = ledger_resource_find(ledger, TEXT("Experiment"), experiment);
	if (!resource || !ledger_present(ledger, resource))
		resource = ledger_resource_find(ledger, TEXT("Pipeline"), pipeline);
	*bandits = (struct bandit_document){0};
	return resource && ledger_present(ledger, resource) &&
	       bandit_document_read(checker, experiment_traffic_version(ledger, resource)->document, experiment, arena, bandits,
				    error);
}
