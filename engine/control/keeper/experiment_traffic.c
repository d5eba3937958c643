/* experiment_traffic.c: see experiment_traffic.h. */
#include "control/keeper/experiment_traffic.h"

#include <assert.h>

#include "control/keeper/rollout_document.h"
#include "message/rows.h"
#include "compiler/resources/deployment_pipeline.h"

#define ALL 100 /* percent */
#define WORDS_BYTES_MAX ((size_t)64 << 10)

#define DEPLOYMENT TEXT("SeldonDeployment")
#define EXPERIMENT TEXT("Experiment")

/* ---- in the ledger ---- */

static const struct ledger_resource *resource_present(const struct ledger *ledger, struct text kind, const char *name)
{
	const struct ledger_resource *resource = ledger_resource_find(ledger, kind, text_of(name));
	return resource && ledger_present(ledger, resource) ? resource : NULL;
}

const struct ledger_resource *experiment_traffic_find(const struct ledger *ledger, const char *name)
{
	const struct ledger_resource *deployment = resource_present(ledger, DEPLOYMENT, name);
	const struct ledger_resource *experiment = deployment ? NULL : resource_present(ledger, EXPERIMENT, name);
	const struct ledger_rollout *rollout = ledger_rollout_find(ledger, text_of(name));
	if ((rollout && rollout->has_record) ||
	    (experiment && rollout_document_is_written(experiment_traffic_version(ledger, experiment)->document)))
		return NULL;
	return deployment ? deployment : experiment;
}

const struct control_version *experiment_traffic_version(const struct ledger *ledger, const struct ledger_resource *resource)
{
	const struct ledger_version *accepted = ledger_accepted(ledger, resource);
	return accepted ? &accepted->record : &ledger_newest(resource)->record;
}

/* An experiment's choice has its name; that of predictors the name of their step too. */
static bool choice_is_of(const struct ledger_choice *choice, const struct ledger_resource *resource)
{
	const struct text step = text_equal(resource->kind, DEPLOYMENT) ? TEXT("/" DEPLOYMENT_SPLIT_STEP) : TEXT("");
	return choice->name.length == resource->name.length + step.length && text_starts_with(choice->name, resource->name) &&
	       text_ends_with(choice->name, step);
}

static const struct ledger_table *table_find(const struct ledger *ledger, const struct ledger_resource *resource)
{
	const struct ledger_choice *choice;
	LIST_EACH_CHOICE(ledger, choice)
	{
		if (!choice_is_of(choice, resource))
			continue;
		const struct ledger_table *table = control_table_at(ledger, choice, CONTROL_IN_FORCE);
		return table && table->record.shares.count > 0 ? table : NULL;
	}
	return NULL;
}

const struct control_table *experiment_traffic_table(const struct ledger *ledger, const struct ledger_resource *resource)
{
	const struct ledger_table *table = table_find(ledger, resource);
	return table ? &table->record : NULL;
}

/* ---- reading ---- */

/* The digits at a place of the document; empty: there are none. */
static struct text digits_at(const struct spec *spec, struct text document, struct place place)
{
	const struct text line = faults_line(spec->faults, place);
	if (place.line == 0 || line.bytes < document.bytes || line.bytes + line.length > document.bytes + document.length)
		return (struct text){0};
	struct text digits = text_from(line, text_byte_of_character(line, place.column));
	size_t length = 0;
	while (length < digits.length && digits.bytes[length] >= '0' && digits.bytes[length] <= '9')
		length++;
	return (struct text){digits.bytes, length};
}

static void share_add(struct experiment_traffic *traffic, const char *name, int64_t weight, struct text digits, struct arena *arena)
{
	if (name && traffic->count < ASSIGNMENT_WAYS_MAX)
		traffic->shares[traffic->count++] = (struct traffic_share){arena_copy_string(arena, name), weight, digits};
}

static void predictors_read(const struct spec *spec, const struct deployment_spec *deployment, struct text document,
			    struct arena *arena, struct experiment_traffic *traffic)
{
	const struct deployment_predictor *predictors = deployment->predictors.items;
	traffic->are_predictors = true;
	for (size_t i = 0; i < deployment->predictors.count; i++)
		if (!predictors[i].shadow)
			share_add(traffic, predictors[i].name.text, predictors[i].traffic,
				  digits_at(spec, document, predictors[i].traffic_place), arena);
}

static void candidates_read(const struct spec *spec, const struct experiment_spec *experiment, struct text document,
			    struct arena *arena, struct experiment_traffic *traffic)
{
	const struct candidate *candidates = experiment->candidates.items;
	const char *given = experiment->default_name.text;
	traffic->given = SIZE_MAX;
	for (size_t i = 0; i < experiment->candidates.count; i++) {
		if (given && candidates[i].name.text && strcmp(given, candidates[i].name.text) == 0)
			traffic->given = traffic->count;
		share_add(traffic, candidates[i].name.text, candidates[i].weight,
			  digits_at(spec, document, candidates[i].weight_place), arena);
	}
	if (traffic->given != SIZE_MAX)
		return;
	traffic->given = traffic->count;
	share_add(traffic, given, 0, (struct text){0}, arena);
}

/* Without a resource of either kind the document has no shares. False: bandits choose. */
static bool shares_read(const struct spec *spec, struct text document, struct arena *arena, struct experiment_traffic *traffic,
			struct error *error)
{
	const struct resource *deployment = spec_first(spec, RESOURCE_DEPLOYMENT);
	const struct resource *resource = spec_first(spec, RESOURCE_EXPERIMENT);
	const struct experiment_spec *experiment = resource ? resource->spec : NULL;
	if (deployment && deployment->spec)
		predictors_read(spec, deployment->spec, document, arena, traffic);
	if (experiment && experiment->bandits.here.line > 0)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "bandits choose the candidates of the Experiment, so it has no traffic to move; apply it without "
				 "`bandits` to give the traffic to one of them");
	if (experiment)
		candidates_read(spec, experiment, document, arena, traffic);
	return true;
}

static bool one_refuse(struct error *error, const char *kind, const char *share, const char *field)
{
	return error_set(
		error, ERROR_CONFIG, PLACE_NONE,
		"the %s has one %s that answers, so there is no traffic to move; apply it with two %ss and the `%s` of each", kind,
		share, share, field);
}

bool experiment_traffic_read(const struct document_checker *checker, struct text document, struct arena *arena,
			     struct experiment_traffic *traffic, struct error *error)
{
	const struct spec_options options = {.kinds = checker->kinds, .namespace = checker->namespace, .names = arena};
	struct spec spec;
	*traffic = (struct experiment_traffic){0};
	if (!spec_open(&spec, error))
		return false;
	const bool good =
		spec_read_text(&spec, "document", document, &options, error) && shares_read(&spec, document, arena, traffic, error);
	spec_close(&spec);
	if (arena_failed(arena))
		return error_memory(error, ERROR_SYSTEM, "reading the traffic of an experiment");
	return good &&
	       (traffic->count > 1 || (traffic->are_predictors ? one_refuse(error, "SeldonDeployment", "predictor", "traffic")
							       : one_refuse(error, "Experiment", "candidate", "weight")));
}

/* ---- moving ---- */

/* Of what the others had before, all is given to them in proportion; if that was nothing, in equal parts. */
static void percents_move(struct experiment_traffic *moved, const struct experiment_traffic *traffic)
{
	double sum = 0, passed = 0;
	for (size_t i = 0; i < traffic->count; i++)
		sum += i == traffic->given ? 0 : (double)traffic->shares[i].weight;
	const bool equal = sum <= 0;
	const double all = equal ? (double)traffic->count - 1 : sum;
	for (size_t i = 0; i < traffic->count; i++) {
		const double part = i == traffic->given ? 0 : equal ? 1 : (double)traffic->shares[i].weight;
		moved->shares[i].weight = (int64_t)(ALL * (passed + part) / all) - (int64_t)(ALL * passed / all);
		passed += part;
	}
}

/* Weights are relative: the others keep theirs. If those are all 0, each has that of the default. */
static void weights_move(struct experiment_traffic *moved, const struct experiment_traffic *traffic)
{
	const int64_t given = traffic->shares[traffic->given].weight;
	bool have_some = false;
	for (size_t i = 0; i < traffic->count; i++)
		have_some = have_some || (i != traffic->given && traffic->shares[i].weight > 0);
	for (size_t i = 0; !have_some && i < traffic->count; i++)
		moved->shares[i].weight = given > 0 ? given : 1;
	moved->shares[traffic->given].weight = 0;
}

/* What the default has when it has all: percents of predictors add up to the whole. A weight stays, unless it is 0. */
static int64_t whole_of(const struct experiment_traffic *traffic)
{
	int64_t most = 1;
	if (traffic->are_predictors)
		return ALL;
	if (traffic->shares[traffic->given].weight > 0)
		return traffic->shares[traffic->given].weight;
	for (size_t i = 0; i < traffic->count; i++)
		most = traffic->shares[i].weight > most ? traffic->shares[i].weight : most;
	return most;
}

struct experiment_traffic experiment_traffic_moved(const struct experiment_traffic *traffic, enum traffic_move move)
{
	struct experiment_traffic moved = *traffic;
	assert(traffic->given < traffic->count);
	if (move == TRAFFIC_PROMOTE)
		(traffic->are_predictors ? percents_move : weights_move)(&moved, traffic);
	for (size_t i = 0; move == TRAFFIC_ROLLBACK && i < traffic->count; i++)
		moved.shares[i].weight = i == traffic->given ? whole_of(traffic) : 0;
	return moved;
}

double experiment_traffic_percent(const struct experiment_traffic *traffic, size_t share)
{
	double sum = 0;
	for (size_t i = 0; i < traffic->count; i++)
		sum += (double)traffic->shares[i].weight;
	return sum > 0 ? ALL * (double)traffic->shares[share].weight / sum : ALL / (double)traffic->count;
}

/* ---- writing ---- */

/* False: a number that is to change is not written by itself: it is missing, or an alias or its anchor, or
 * two of them have it by a merge. */
static bool numbers_replace(struct text document, const struct experiment_traffic *from, const struct experiment_traffic *to,
			    struct buffer *out)
{
	const char *at = document.bytes, *last = document.bytes;
	for (size_t i = 0; i < from->count; i++) {
		const struct text digits = from->shares[i].digits;
		const bool changes = to->shares[i].weight != from->shares[i].weight;
		if ((changes && digits.length == 0) || (digits.length > 0 && digits.bytes < last))
			return false;
		if (digits.length > 0)
			last = digits.bytes + digits.length;
		if (!changes)
			continue;
		buffer_append(out, at, (size_t)(digits.bytes - at));
		buffer_print(out, "%lld", (long long)to->shares[i].weight);
		at = last;
	}
	buffer_append(out, at, (size_t)(document.bytes + document.length - at));
	return true;
}

bool experiment_traffic_write(struct text document, const struct experiment_traffic *from, const struct experiment_traffic *to,
			      struct arena *arena, struct text *written, struct error *error)
{
	struct buffer out;
	buffer_open(&out, CONTROL_RECORD_BYTES_MAX);
	const bool replaced = numbers_replace(document, from, to, &out);
	*written = replaced && !buffer_failed(&out) ? text_copied(arena, buffer_view(&out)) : (struct text){0};
	const bool failed = buffer_failed(&out) || arena_failed(arena);
	buffer_close(&out);
	if (failed)
		return error_memory(error, ERROR_SYSTEM, "writing the traffic of an experiment");
	return replaced ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 from->are_predictors ? "a predictor of the SeldonDeployment has no number of its own as its `traffic`; "
						"write one for each, and apply it"
					      : "a candidate of the Experiment has no number of its own as its `weight`; write one "
						"for each, also for the default, and apply it");
}

/* ---- preview ---- */

static bool names_set(struct control_table *table, const struct experiment_traffic *traffic, struct arena *arena)
{
	const struct table_share *shares = table->shares.items;
	struct table_share *named = ARENA_ARRAY(arena, struct table_share, traffic->count);
	for (size_t i = 0; named && i < traffic->count; i++)
		named[i] = (struct table_share){text_of(traffic->shares[i].name), shares[i].buckets};
	table->shares = (struct record_list){traffic->count, named};
	return named;
}

static bool table_move(const struct ledger_table *former, const struct experiment_traffic *to, struct arena *arena,
		       struct rollout_preview *preview)
{
	struct assignment_table before;
	struct share shares[ASSIGNMENT_WAYS_MAX];
	if (!control_table_copy(former, arena, &before))
		return false;
	for (size_t i = 0; i < to->count; i++)
		shares[i] = (struct share){before.shares[i].name, (double)to->shares[i].weight};
	const struct assignment_tables tables = {1, &before};
	const struct assignment *made = assignment_choose(arena, &tables, before.choice, shares, to->count);
	preview->before = former->record;
	return made && control_table_fill(&preview->after, made, shares, &before, arena) &&
	       names_set(&preview->before, to, arena) && names_set(&preview->after, to, arena);
}

static bool move_describe(const struct ledger_resource *resource, const struct experiment_traffic *to, struct arena *arena,
			  struct rollout_preview *preview)
{
	struct buffer out;
	buffer_open(&out, WORDS_BYTES_MAX);
	buffer_print(&out, "The next version of " TEXT_FORMAT " `" TEXT_FORMAT "` would have the traffic ",
		     TEXT_ARGUMENTS(resource->kind), TEXT_ARGUMENTS(resource->name));
	experiment_traffic_print(to, &out);
	buffer_byte(&out, '.');
	if (!buffer_failed(&out))
		preview->sentence = text_copied(arena, buffer_view(&out));
	preview->evidence = TEXT("null");
	buffer_close(&out);
	return preview->sentence.bytes;
}

bool experiment_traffic_preview(const struct ledger *ledger, const struct ledger_resource *resource,
				const struct experiment_traffic *to, struct arena *arena, struct rollout_preview *preview,
				struct error *error)
{
	const struct ledger_table *former = table_find(ledger, resource);
	*preview = (struct rollout_preview){0};
	if (!former || former->record.shares.count != to->count)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "no shares of " TEXT_FORMAT " `" TEXT_FORMAT
				 "` are in force: wait until its version is, by `sluice "
				 "wait`, and look by `sluice experiments weights`",
				 TEXT_ARGUMENTS(resource->kind), TEXT_ARGUMENTS(resource->name));
	return (table_move(former, to, arena, preview) && move_describe(resource, to, arena, preview)) ||
	       error_memory(error, ERROR_SYSTEM, "making a preview");
}

void experiment_traffic_print(const struct experiment_traffic *traffic, struct buffer *out)
{
	for (size_t i = 0; i < traffic->count; i++)
		buffer_print(out, "%s%s %.4g%%", i > 0 ? ", " : "", traffic->shares[i].name,
			     experiment_traffic_percent(traffic, i));
}
