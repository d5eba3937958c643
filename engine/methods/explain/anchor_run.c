/* anchor_run.c: see anchor_run.h. */
#include "methods/explain/anchor_run.h"

#include <math.h>

#include "methods/numeric/moments.h"

#define BEAM 4
#define PATIENCE 1000 /* perturbations of a rule */
#define BATCH_MAX 2048

struct anchor_run {
	const struct anchor_table *table;
	struct anchor_rows rows;
	struct anchor_search *search;
	uint32_t *alike;     /* [features][count]: rows of the background in the row's bin */
	size_t *alike_count; /* [features] */
	double *sorted;	     /* [count]: working memory */
	struct anchor_question questions[BATCH_MAX];
	size_t count;	  /* rows of the batch that waits for its answers */
	size_t perturbed; /* rows of all batches but the first */
	double answer, base; /* of the row; the mean over the background, NaN: of classes */
	bool classes, begun;
	double edges[ANCHOR_BINS_MAX]; /* between deciles of numbers */
	size_t edge_count;
	struct random random;
};

/* ---- opening ---- */

static bool anchor_run_match(struct anchor_run *run, struct arena *arena, struct error *error)
{
	const struct anchor_table *table = run->table;
	bool *matches = ARENA_ARRAY(arena, bool, table->count *table->features);
	run->alike = ARENA_ARRAY(arena, uint32_t, table->count *table->features);
	run->alike_count = ARENA_ARRAY(arena, size_t, table->features);
	run->sorted = ARENA_ARRAY(arena, double, table->count);
	if (!matches || !run->alike || !run->alike_count || !run->sorted)
		return error_memory(error, ERROR_LIMIT, "seeking an anchor");
	if (!anchor_match(table->row, table->background, table->count, table->features, matches, arena, error))
		return false;
	for (size_t feature = 0; feature < table->features; feature++)
		for (size_t i = 0; i < table->count; i++)
			if (matches[i * table->features + feature])
				run->alike[feature * table->count + run->alike_count[feature]++] = (uint32_t)i;
	run->rows.matches = matches;
	return true;
}

struct anchor_run *anchor_run_open(struct arena *arena, const struct anchor_table *table, struct error *error)
{
	const struct anchor_options options = {
		.threshold = ANCHOR_THRESHOLD,
		.confidence = ANCHOR_THRESHOLD,
		.most = table->features < ANCHOR_SIZE_MAX ? table->features : ANCHOR_SIZE_MAX,
		.beam = BEAM,
		.batch = ANCHOR_BATCH,
		.patience = PATIENCE,
		.seed = table->seed,
	};
	struct anchor_run *run = ARENA_NEW(arena, struct anchor_run);
	if (!run)
		return error_null(error_memory(error, ERROR_LIMIT, "seeking an anchor"));
	run->table = table;
	run->rows = (struct anchor_rows){.count = table->count, .features = table->features};
	run->random.state = ~table->seed;
	run->search = anchor_search_open(arena, &run->rows, &options, error); /* refuses what is too wide for the rest */
	return run->search && anchor_run_match(run, arena, error) ? run : NULL;
}

/* ---- batches ---- */

size_t anchor_run_next(struct anchor_run *run, size_t most)
{
	const size_t left = run->table->most - run->perturbed;
	if (!run->begun)
		return run->count = 1 + run->table->count;
	most = most < BATCH_MAX ? most : BATCH_MAX;
	return run->count = anchor_search_ask(run->search, run->questions, left < most ? left : most);
}

static double anchor_alike_draw(struct anchor_run *run, uint32_t feature)
{
	const struct anchor_table *table = run->table;
	const size_t count = run->alike_count[feature];
	if (count == 0) /* the row is alone in its bin */
		return table->row[feature];
	const uint32_t row = run->alike[feature * table->count + random_below(&run->random, count)];
	return table->background[row * table->features + feature];
}

void anchor_run_fill(struct anchor_run *run, double *rows)
{
	const size_t width = run->table->features;
	if (!run->begun) {
		memcpy(rows, run->table->row, width * sizeof *rows);
		memcpy(rows + width, run->table->background, run->table->count * width * sizeof *rows);
		return;
	}
	for (size_t i = 0; i < run->count; i++, rows += width) {
		const struct anchor_question *question = &run->questions[i];
		memcpy(rows, run->table->background + question->row * width, width * sizeof *rows);
		for (size_t j = 0; j < question->rule->count; j++)
			rows[question->rule->features[j]] = anchor_alike_draw(run, question->rule->features[j]);
	}
}

/* ---- answers ---- */

/* Learns from the background which numbers are alike. */
static bool anchor_run_begin(struct anchor_run *run, const double *answers, bool classes, struct error *error)
{
	const size_t count = run->table->count;
	size_t known = 0;
	struct sum sum = {0};
	for (size_t i = 1; i <= count; i++) {
		if (!isfinite(answers[i]))
			continue;
		sum_add(&sum, answers[i]);
		run->sorted[known++] = answers[i];
	}
	for (size_t i = 0; !isfinite(answers[0]) && i < run->table->features; i++)
		if (!isfinite(run->table->row[i]))
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "feature %zu of the row is %s, and the model gives no number for it; send a finite number",
					 i, isnan(run->table->row[i]) ? "NaN" : "infinite");
	if (!isfinite(answers[0]) || 2 * known < count)
		return error_set(error, ERROR_REMOTE, PLACE_NONE,
				 "the model answers %s: an anchor needs the answer to the row, and to at least half of the "
				 "background",
				 isfinite(answers[0]) ? "less than half of the background" : "no number to the row");
	run->answer = answers[0];
	run->classes = classes;
	run->base = classes ? (double)NAN : sum_value(&sum) / (double)known;
	run->edge_count = classes ? 0 : anchor_edges(run->sorted, known, ANCHOR_CLASSES, run->edges);
	return run->begun = true;
}

static bool anchor_agrees(const struct anchor_run *run, double answer)
{
	if (run->classes)
		return answer == run->answer;
	return anchor_bin(run->edges, run->edge_count, answer) == anchor_bin(run->edges, run->edge_count, run->answer);
}

static void anchor_run_settle(struct anchor_run *run, const double *answers)
{
	bool agrees[BATCH_MAX], known[BATCH_MAX];
	for (size_t i = 0; i < run->count; i++) {
		known[i] = answers && isfinite(answers[i]);
		agrees[i] = known[i] && anchor_agrees(run, answers[i]);
	}
	anchor_search_answer(run->search, agrees, known, run->count);
	run->perturbed += run->count;
	run->count = 0;
}

bool anchor_run_take(struct anchor_run *run, const double *answers, bool classes, struct error *error)
{
	if (!run->begun)
		return anchor_run_begin(run, answers, classes, error);
	anchor_run_settle(run, answers);
	return true;
}

void anchor_run_miss(struct anchor_run *run)
{
	if (run->begun)
		anchor_run_settle(run, NULL);
}

/* ---- the explanation ---- */

static struct text anchor_condition(const struct anchor_table *table, uint32_t feature, double *column, struct arena *arena)
{
	double edges[ANCHOR_BINS_MAX];
	const struct text name = table->names[feature];
	const size_t count = anchor_column_edges(table->background, table->count, table->features, feature, column, edges);
	const int64_t bin = anchor_bin(edges, count, table->row[feature]);
	const char *made;
	if (bin < 0)
		made = arena_print(arena, TEXT_FORMAT " is missing", TEXT_ARGUMENTS(name));
	else if (count == 0)
		made = arena_print(arena, TEXT_FORMAT " is not missing", TEXT_ARGUMENTS(name));
	else if (bin == 0)
		made = arena_print(arena, TEXT_FORMAT " <= %g", TEXT_ARGUMENTS(name), edges[0]);
	else if ((size_t)bin == count)
		made = arena_print(arena, TEXT_FORMAT " > %g", TEXT_ARGUMENTS(name), edges[count - 1]);
	else
		made = arena_print(arena, "%g < " TEXT_FORMAT " <= %g", edges[bin - 1], TEXT_ARGUMENTS(name), edges[bin]);
	return made ? text_of(made) : (struct text){"", 0};
}

static bool anchor_rule_write(const struct anchor_run *run, struct explanation *explanation, struct arena *arena,
			      struct error *error)
{
	const struct anchor_found found = anchor_search_found(run->search);
	struct explanation_rule *rule = ARENA_NEW(arena, struct explanation_rule);
	struct text *conditions = ARENA_ARRAY(arena, struct text, ANCHOR_SIZE_MAX);
	if (!rule || !conditions)
		return error_memory(error, ERROR_LIMIT, "explaining a record");
	*rule = (struct explanation_rule){
		.count = found.rule.count,
		.conditions = conditions,
		.precision = found.measure.precision,
		.coverage = found.measure.coverage,
		.holds = found.settled,
		.width = run->table->features,
		.perturbations = run->perturbed,
	};
	for (size_t i = 0; i < rule->count; i++) {
		rule->features[i] = found.rule.features[i];
		conditions[i] = anchor_condition(run->table, found.rule.features[i], run->sorted, arena);
	}
	explanation->rule = rule;
	return !arena_failed(arena) || error_memory(error, ERROR_LIMIT, "explaining a record");
}

/* Whether nothing is left to be asked. */
static bool anchor_run_is_over(const struct anchor_run *run)
{
	struct anchor_question one;
	return anchor_search_ask(run->search, &one, 1) == 0;
}

bool anchor_run_explain(const struct anchor_run *run, struct explanation *explanation, struct arena *arena, struct error *error)
{
	if (!run->begun)
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "the row and the background are not answered");
	if (!explanation_open(explanation, 0, 1, arena, error))
		return false;
	explanation->method = EXPLANATION_ANCHORS;
	explanation->row = run->table->row;
	explanation->base[0] = run->base;
	explanation->prediction[0] = run->answer;
	explanation->answered = run->perturbed;
	explanation->asked = run->perturbed + !anchor_run_is_over(run);
	explanation_settle(explanation);
	return anchor_rule_write(run, explanation, arena, error);
}
