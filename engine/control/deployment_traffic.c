/* deployment_traffic.c: see deployment_traffic.h. */
#include "control/deployment_traffic.h"

#include "message/rows.h"
#include "spec/deployment_pipeline.h"

#define ALL 100 /* percent */
#define WORDS_BYTES_MAX ((size_t)64 << 10)

/* ---- in the ledger ---- */

const struct ledger_resource *deployment_traffic_find(const struct ledger *ledger, const char *name)
{
	const struct ledger_resource *deployment = ledger_resource_find(ledger, TEXT("SeldonDeployment"), text_of(name));
	return deployment && ledger_present(ledger, deployment) && !ledger_rollout_find(ledger, text_of(name)) ? deployment : NULL;
}

const struct control_version *deployment_traffic_version(const struct ledger *ledger, const struct ledger_resource *deployment)
{
	const struct ledger_version *accepted = ledger_accepted(ledger, deployment);
	return accepted ? &accepted->record : &ledger_newest(deployment)->record;
}

static const struct ledger_table *table_find(const struct ledger *ledger, const char *name)
{
	const struct ledger_choice *choice;
	const struct text step = TEXT("/" DEPLOYMENT_SPLIT_STEP);
	LIST_EACH_CHOICE(ledger, choice)
	{
		if (choice->name.length != strlen(name) + step.length || !text_starts_with(choice->name, text_of(name)) ||
		    !text_ends_with(choice->name, step))
			continue;
		const struct ledger_table *table = control_table_at(ledger, choice, CONTROL_IN_FORCE);
		return table && table->record.shares.count > 0 ? table : NULL;
	}
	return NULL;
}

const struct control_table *deployment_traffic_table(const struct ledger *ledger, const char *name)
{
	const struct ledger_table *table = table_find(ledger, name);
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

static void shares_read(const struct spec *spec, const struct deployment_spec *deployment, struct text document,
			struct arena *arena, struct deployment_traffic *traffic)
{
	const struct deployment_predictor *predictors = deployment->predictors.items;
	for (size_t i = 0; i < deployment->predictors.count && traffic->count < ASSIGNMENT_WAYS_MAX; i++)
		if (!predictors[i].shadow && predictors[i].name.text)
			traffic->shares[traffic->count++] =
				(struct traffic_share){arena_copy_string(arena, predictors[i].name.text), predictors[i].traffic,
						       digits_at(spec, document, predictors[i].traffic_place)};
}

bool deployment_traffic_read(const struct document_checker *checker, struct text document, struct arena *arena,
			     struct deployment_traffic *traffic, struct error *error)
{
	const struct spec_options options = {.kinds = checker->kinds, .namespace = checker->namespace, .names = arena};
	struct spec spec;
	*traffic = (struct deployment_traffic){0};
	if (!spec_open(&spec, error))
		return false;
	const bool good = spec_read_text(&spec, "document", document, &options, error);
	const struct resource *deployment = good ? spec_first(&spec, RESOURCE_DEPLOYMENT) : NULL;
	if (deployment && deployment->spec)
		shares_read(&spec, deployment->spec, document, arena, traffic);
	spec_close(&spec);
	if (arena_failed(arena))
		return error_memory(error, ERROR_SYSTEM, "reading the traffic of a SeldonDeployment");
	return good &&
	       (traffic->count > 1 ||
		error_set(error, ERROR_CONFIG, PLACE_NONE,
			  "the SeldonDeployment has one predictor that answers, so there is no traffic to move; apply it with "
			  "two predictors and the `traffic` of each"));
}

/* ---- moving ---- */

struct deployment_traffic deployment_traffic_moved(const struct deployment_traffic *traffic, enum traffic_move move)
{
	struct deployment_traffic moved = *traffic;
	int64_t all = 0, given = 0;
	for (size_t i = 1; i < traffic->count; i++)
		all += traffic->shares[i].percent;
	moved.shares[0].percent = move == TRAFFIC_ROLLBACK ? ALL : 0;
	for (size_t i = 1; i < traffic->count; i++) {
		const int64_t before = all > 0 ? ALL * given / all : ALL * (int64_t)(i - 1) / (int64_t)(traffic->count - 1);
		given += traffic->shares[i].percent;
		const int64_t after = all > 0 ? ALL * given / all : ALL * (int64_t)i / (int64_t)(traffic->count - 1);
		moved.shares[i].percent = move == TRAFFIC_ROLLBACK ? 0 : after - before;
	}
	return moved;
}

/* ---- writing ---- */

/* False: a number that is to change is not written by itself: it is missing, or an alias or its anchor, or
 * two predictors have it by a merge. */
static bool numbers_replace(struct text document, const struct deployment_traffic *from, const struct deployment_traffic *to,
			    struct buffer *out)
{
	const char *at = document.bytes, *last = document.bytes;
	for (size_t i = 0; i < from->count; i++) {
		const struct text digits = from->shares[i].digits;
		const bool changes = to->shares[i].percent != from->shares[i].percent;
		if ((changes && digits.length == 0) || (digits.length > 0 && digits.bytes < last))
			return false;
		if (digits.length > 0)
			last = digits.bytes + digits.length;
		if (!changes)
			continue;
		buffer_append(out, at, (size_t)(digits.bytes - at));
		buffer_print(out, "%lld", (long long)to->shares[i].percent);
		at = last;
	}
	buffer_append(out, at, (size_t)(document.bytes + document.length - at));
	return true;
}

bool deployment_traffic_write(struct text document, const struct deployment_traffic *from, const struct deployment_traffic *to,
			      struct arena *arena, struct text *written, struct error *error)
{
	struct buffer out;
	buffer_open(&out, CONTROL_RECORD_BYTES_MAX);
	const bool replaced = numbers_replace(document, from, to, &out);
	*written = replaced && !buffer_failed(&out) ? text_copied(arena, buffer_view(&out)) : (struct text){0};
	const bool failed = buffer_failed(&out) || arena_failed(arena);
	buffer_close(&out);
	if (failed)
		return error_memory(error, ERROR_SYSTEM, "writing the traffic of a SeldonDeployment");
	return replaced || error_set(error, ERROR_CONFIG, PLACE_NONE,
				     "a predictor of the SeldonDeployment has no number of its own as its `traffic`; write one for "
				     "each, and apply it");
}

/* ---- preview ---- */

static bool names_set(struct control_table *table, const struct deployment_traffic *traffic, struct arena *arena)
{
	const struct table_share *shares = table->shares.items;
	struct table_share *named = ARENA_ARRAY(arena, struct table_share, traffic->count);
	for (size_t i = 0; named && i < traffic->count; i++)
		named[i] = (struct table_share){text_of(traffic->shares[i].name), shares[i].buckets};
	table->shares = (struct record_list){traffic->count, named};
	return named;
}

static bool table_move(const struct ledger_table *former, const struct deployment_traffic *to, struct arena *arena,
		       struct rollout_preview *preview)
{
	struct assignment_table before;
	struct share shares[ASSIGNMENT_WAYS_MAX];
	if (!control_table_copy(former, arena, &before))
		return false;
	for (size_t i = 0; i < to->count; i++)
		shares[i] = (struct share){before.shares[i].name, (double)to->shares[i].percent};
	const struct assignment_tables tables = {1, &before};
	const struct assignment *made = assignment_choose(arena, &tables, before.choice, shares, to->count);
	preview->before = former->record;
	return made && control_table_fill(&preview->after, made, shares, &before, arena) &&
	       names_set(&preview->before, to, arena) && names_set(&preview->after, to, arena);
}

static bool move_describe(const char *name, const struct deployment_traffic *to, struct arena *arena,
			  struct rollout_preview *preview)
{
	struct buffer out;
	buffer_open(&out, WORDS_BYTES_MAX);
	buffer_print(&out, "The next version of SeldonDeployment `%s` would have the traffic ", name);
	deployment_traffic_print(to, &out);
	buffer_byte(&out, '.');
	if (!buffer_failed(&out))
		preview->sentence = text_copied(arena, buffer_view(&out));
	preview->evidence = TEXT("null");
	buffer_close(&out);
	return preview->sentence.bytes;
}

bool deployment_traffic_preview(const struct ledger *ledger, const char *name, const struct deployment_traffic *to,
				struct arena *arena, struct rollout_preview *preview, struct error *error)
{
	const struct ledger_table *former = table_find(ledger, name);
	*preview = (struct rollout_preview){0};
	if (!former || former->record.shares.count != to->count)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "no shares of the SeldonDeployment `%s` are in force: wait until its version is, by `sluice wait "
				 "seldondeployment/%s`",
				 name, name);
	return (table_move(former, to, arena, preview) && move_describe(name, to, arena, preview)) ||
	       error_memory(error, ERROR_SYSTEM, "making a preview");
}

void deployment_traffic_print(const struct deployment_traffic *traffic, struct buffer *out)
{
	for (size_t i = 0; i < traffic->count; i++)
		buffer_print(out, "%s%s %lld%%", i > 0 ? ", " : "", traffic->shares[i].name, (long long)traffic->shares[i].percent);
}
