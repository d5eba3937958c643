/* outlier_bench.c: outlier scores of one row of 20 numbers, the step `outlier` for such a message, and a row through the change
 * detector.
 *
 *   outlier_bench mahalanobis|forest|change|step|pass|monitor|online|joint|projection|projections|embedding|
 *                 categories|texts|flags|states|nothing ROUNDS
 *
 * `forest`: 100 trees of depth 8, learnt of 256 rows, as text to methods/predictors/predictor.h; `change`: a reference of 400 rows.
 * `step`: a pipeline of a step `outlier` by the Mahalanobis
 * distance and a filter that passes all, without a codec; `pass`: the same without the distance, two such filters.
 * `monitor`: rows through the drift monitor by ks, psi and wasserstein in windows of 500. `online`: the same by page-hinkley,
 * cusum and adwin; `joint`: rows of 64 numbers by mmd. `projection`: a vector of 768 numbers (FP32) becomes 64 directions, and
 * `projections` one of 1,536; `embedding`: the former, and 64 directions through the monitor as a step `drift` compares them.
 * `nothing` is the loop around the others. All is drawn from a seed. What it takes to open a monitor is in none of these figures:
 * each is a difference of two runs. It is that of `categories`, of a feature with 1,000 rare ones, and of `texts`, with 50 and one
 * for all other texts; and with windows of 4,000 rows that of `flags`, numbers of which one in 50 is not 0, and of `states`, such
 * categories: a 200th of it is a round. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number/random.h"
#include "methods/drift/change/change.h"
#include "methods/drift/monitor.h"
#include "methods/outliers/outlier.h"
#include "methods/drift/projection.h"
#include "flow/flow.h"
#include "methods/predictors/predictor.h"
#include "steps/kinds.h"
#include "steps/outlier/outlier_reference.h"
#include "tests/bench/flow_of_yaml.h"

#define COLUMNS 20
#define ROWS 400
#define VECTOR 64
#define ROWS_WATCHED (ROWS - VECTOR / COLUMNS - 1)
#define TREES 100
#define DEPTH 8
#define NODES ((1 << (DEPTH + 1)) - 1)
#define SPLITS ((1 << DEPTH) - 1)
#define TEXT_BYTES_MAX ((size_t)8 << 20)
#define ARENA_BYTES ((size_t)256 << 20)

static struct random chance = {7};
static double rows[ROWS * COLUMNS];

static double drawn(void)
{
	double total = -6;
	for (int i = 0; i < 12; i++)
		total += (double)random_below(&chance, 1000000) / 1e6;
	return total;
}

/* One list of a tree's nodes: what `split` says of those that split, `leaf` of the others. */
static void write_list(struct buffer *out, const char *name, int (*split)(int node), int (*leaf)(int node))
{
	buffer_print(out, "%s\"%s\":[", strcmp(name, "feature") == 0 ? "{" : ",", name);
	for (int i = 0; i < NODES; i++)
		buffer_print(out, "%s%d", i ? "," : "", i < SPLITS ? split(i) : leaf(i));
	buffer_byte(out, ']');
}

static int any_feature(int node)
{
	(void)node;
	return (int)random_below(&chance, COLUMNS);
}

static int any_threshold(int node)
{
	(void)node;
	return (int)random_below(&chance, 3) - 1;
}

static int left_of(int node)
{
	return 2 * node + 1;
}

static int right_of(int node)
{
	return 2 * node + 2;
}

static int none(int node)
{
	(void)node;
	return -1;
}

static int one(int node)
{
	(void)node;
	return 1;
}

static const struct predictor *forest_open(struct arena *arena)
{
	struct buffer out;
	struct error error = {0};
	buffer_open(&out, TEXT_BYTES_MAX);
	buffer_string(&out, "{\"max_samples\":256,\"trees\":[");
	for (int i = 0; i < TREES; i++) {
		buffer_string(&out, i ? "," : "");
		write_list(&out, "feature", any_feature, none);
		write_list(&out, "threshold", any_threshold, none);
		write_list(&out, "left", left_of, none);
		write_list(&out, "right", right_of, none);
		write_list(&out, "n_samples", one, one);
		buffer_byte(&out, '}');
	}
	buffer_string(&out, "]}");
	struct text text = {out.bytes, out.length};
	const struct predictor *forest = predictor_read(arena, text, ITERATIONS_BEST, &error);
	if (!forest)
		fprintf(stderr, "outlier_bench: %s\n", error.text);
	buffer_close(&out);
	return forest;
}

/* ---- what is measured: the sum of what it says, so that nothing is left out ---- */

static double run_mahalanobis(struct arena *arena, long rounds)
{
	struct covariance covariance;
	struct mahalanobis fitted;
	struct error error = {0};
	double total = 0;
	if (!covariance_open(&covariance, COLUMNS, arena))
		return 0;
	for (size_t i = 0; i < ROWS; i++)
		covariance_add(&covariance, rows + i * COLUMNS);
	if (!mahalanobis_fit(&fitted, &covariance, 1, 0, arena, &error))
		return 0;
	for (long i = 0; i < rounds; i++)
		total += mahalanobis_squared(&fitted, rows + (size_t)(i % ROWS) * COLUMNS);
	return total;
}

static double run_forest(struct arena *arena, long rounds)
{
	const struct predictor *forest = forest_open(arena);
	double total = 0;
	double *scratch = forest ? ARENA_ARRAY(arena, double, predictor_scratch(forest, 1)) : NULL;
	for (long i = 0; scratch && i < rounds; i++) {
		double margin, score;
		predictor_margins(forest, rows + (size_t)(i % ROWS) * COLUMNS, COLUMNS, 1, &margin, scratch);
		predictor_answers(forest, &margin, 1, &score);
		total += score;
	}
	return total;
}

static double run_change(struct arena *arena, long rounds)
{
	struct error error = {0};
	struct change_detector *detector = change_open(arena, &(struct table){ROWS, COLUMNS, rows}, 0.1, &error);
	double total = 1;
	for (long i = 0; detector && i < rounds; i++)
		total += change_add(detector, rows + (size_t)(i % ROWS) * COLUMNS, NULL);
	return detector ? total : 0;
}

static double run_nothing(struct arena *arena, long rounds)
{
	double total = 1;
	(void)arena;
	for (long i = 0; i < rounds; i++)
		total += rows[(size_t)(i % ROWS) * COLUMNS];
	return total;
}

#define WINDOW 500

/* The methods of a monitor: 0 by datatype. A row of more than COLUMNS numbers goes on in the next ones. */
struct watch {
	unsigned methods;
	size_t columns;
	long before; /* rows that come before those that are counted */
	size_t width; /* of the vectors of which a row has the directions; 0: of none */
};
static const struct watch watch_usual = {0, COLUMNS, 0, 0}, watch_joint = {1U << MONITOR_MMD, VECTOR, 0, 0};
/* With the first windows an online method computes its levels, once. */
static const struct watch watch_online = {MONITOR_ONLINE, COLUMNS, 2 * WINDOW, 0};

/* Rows in an order that no sorting finds easy. */
static const struct monitor_verdict *row_add(struct monitor *monitor, long number)
{
	return monitor_add(monitor, rows + (size_t)(number * 7919 % ROWS_WATCHED) * COLUMNS, number);
}

static struct monitor *monitor_of_rows(struct arena *arena, const struct watch *watch)
{
	static double columns[VECTOR][ROWS_WATCHED];
	static struct drift_feature features[VECTOR];
	const struct drift_reference reference = {.all_rows = ROWS_WATCHED,
						  .rows = ROWS_WATCHED,
						  .block = ROWS_WATCHED,
						  .feature_count = watch->columns,
						  .features = features};
	const struct monitor_settings settings = {
		.methods = watch->methods, .window_rows = WINDOW, .rate = {.alarms = 0.5, .rows = 1000}};
	struct error error = {0};
	for (size_t i = 0; i < watch->columns; i++) {
		for (size_t j = 0; j < ROWS_WATCHED; j++)
			columns[i][j] = rows[j * COLUMNS + i];
		features[i] = (struct drift_feature){
			.name = TEXT("f"), .values = columns[i], .least = -6, .greatest = 6, .width = watch->width};
	}
	struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
	for (long i = 0; monitor && i < watch->before; i++)
		(void)row_add(monitor, i);
	return monitor;
}

static double monitor_run(struct arena *arena, long rounds, const struct watch *watch)
{
	struct monitor *monitor = monitor_of_rows(arena, watch);
	double total = 1;
	for (long i = 0; monitor && i < rounds; i++) {
		const struct monitor_verdict *verdict = row_add(monitor, watch->before + i);
		total += verdict && verdict->feature_count ? verdict->score : 0;
	}
	return monitor ? total : 0;
}

static double run_monitor(struct arena *arena, long rounds)
{
	return monitor_run(arena, rounds, &watch_usual);
}

static double run_online(struct arena *arena, long rounds)
{
	return monitor_run(arena, rounds, &watch_online);
}

static double run_joint(struct arena *arena, long rounds)
{
	return monitor_run(arena, rounds, &watch_joint);
}

/* ---- embeddings ---- */

#define EMBEDDING 768

_Static_assert(VECTOR == PROJECTION_DIRECTIONS, "a row is a vector's directions");

static double vectors_project(struct arena *arena, long rounds, size_t width)
{
	static float numbers[2 * EMBEDDING];
	const struct projection *projection = projection_open(arena, TEXT("f"), width);
	double directions[PROJECTION_DIRECTIONS], total = 1;
	for (size_t i = 0; i < width; i++)
		numbers[i] = (float)rows[i];
	for (long i = 0; projection && i < rounds; i++) {
		projection_of_floats(projection, numbers, directions);
		total += directions[0];
	}
	return projection ? total : 0;
}

static double run_projection(struct arena *arena, long rounds)
{
	return vectors_project(arena, rounds, EMBEDDING);
}

static double run_projections(struct arena *arena, long rounds)
{
	return vectors_project(arena, rounds, (size_t)2 * EMBEDDING);
}

static double run_embedding(struct arena *arena, long rounds)
{
	static const struct watch watch_embedding = {0, PROJECTION_DIRECTIONS, 0, EMBEDDING};
	return monitor_run(arena, rounds, &watch_embedding) + run_projection(arena, rounds);
}

/* ---- opening a monitor of rare categories ---- */

#define ROWS_LEARNT DRIFT_REFERENCE_ROWS_MAX
#define OPENING_ROUNDS 200

/* What is opened: a feature of which one value in so many is of any category, and all others are of the first. */
struct opening {
	uint64_t one_in;
	size_t categories;
	bool open, numbers; /* the last: categories are numbers */
	int64_t window;
};
static const struct opening of_categories = {2, DRIFT_CATEGORIES_MAX, false, false, WINDOW},
			    of_texts = {2, DRIFT_COMMON_MAX + 1, true, false, WINDOW}, of_flags = {50, 3, false, true, ROWS_LEARNT},
			    of_states = {50, 10, false, false, ROWS_LEARNT};

static double opening_run(long rounds, const struct opening *opening)
{
	static double values[ROWS_LEARNT];
	static struct text names[DRIFT_CATEGORIES_MAX];
	const struct drift_feature feature = {.name = TEXT("f"),
					      .categories = !opening->numbers,
					      .open = opening->open,
					      .values = values,
					      .category_count = opening->numbers ? 0 : opening->categories,
					      .category_names = names,
					      .greatest = (double)opening->categories};
	const struct drift_reference reference = {
		.all_rows = ROWS_LEARNT, .rows = ROWS_LEARNT, .block = ROWS_LEARNT, .feature_count = 1, .features = &feature};
	const struct monitor_settings settings = {.window_rows = opening->window, .rate = {.alarms = 0.5, .rows = 1000}};
	double total = 1;
	for (size_t i = 0; i < ROWS_LEARNT; i++)
		values[i] = random_below(&chance, opening->one_in) ? 0 : (double)random_below(&chance, opening->categories);
	for (long i = 0; i < rounds / OPENING_ROUNDS; i++) {
		struct arena *arena = arena_open(ARENA_BYTES);
		struct error error = {0};
		total *= arena && monitor_open(arena, &reference, &settings, &error) ? 1 : 0;
		arena_close(arena);
	}
	return total;
}

static double run_categories(struct arena *arena, long rounds)
{
	(void)arena;
	return opening_run(rounds, &of_categories);
}

static double run_texts(struct arena *arena, long rounds)
{
	(void)arena;
	return opening_run(rounds, &of_texts);
}

static double run_flags(struct arena *arena, long rounds)
{
	(void)arena;
	return opening_run(rounds, &of_flags);
}

static double run_states(struct arena *arena, long rounds)
{
	(void)arena;
	return opening_run(rounds, &of_states);
}

/* ---- the step ---- */

#define PIPELINE(first)                                                                                                  \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: bench}\nspec:\n  steps:\n"              \
	"  - {name: first, " first "}\n  - {name: then, inputs: [first], filter: {keep: 'true'}}\n  output: {steps: [then]}\n"

static bool file_give(void *context, const struct name *file, const char *digest, struct text *content, struct error *error)
{
	(void)file, (void)digest, (void)error;
	*content = *(const struct text *)context;
	return true;
}

static void on_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	(void)message, (void)outcome;
	*(long *)context += answer->payload != NULL;
}

static double run_flow(const char *yaml, struct arena *arena, long rounds)
{
	static const int64_t shape[] = {1, COLUMNS};
	struct buffer file;
	struct spec spec;
	struct error error = {0};
	const char *remark;
	long answered = 0;
	buffer_open(&file, TEXT_BYTES_MAX);
	const struct outlier_rows learnt = {.table = {ROWS, COLUMNS, rows}};
	if (!outlier_reference_learn(OUTLIER_MAHALANOBIS, &learnt, arena, &file, &remark, &error))
		return 0;
	buffer_byte(&file, 0);
	struct text content = text_of(file.bytes);
	const struct file_source files = {&content, file_give};
	const struct flow_environment environment = {.context = &answered, .finished = on_finished, .files = &files};
	struct flow *flow = flow_of_yaml(&spec, yaml, step_kinds, &environment);
	struct arena *own = arena_open((size_t)1 << 20);
	for (long i = 0; flow && own && i < rounds; i++) {
		const struct tensor x = {.name = TEXT("x"), .shape = shape, .data = rows + (size_t)(i % ROWS) * COLUMNS,
					 .count = COLUMNS, .datatype = DATATYPE_FP64, .rank = 2};
		const struct tensor *const items[] = {&x};
		struct message message = {.arena = own, .id = TEXT("bench"), .payload = {.tensors = {1, items}}};
		message.origin = (struct origin){TEXT("in"), 0, i};
		arena_reset(own);
		if (!flow_enter(flow, &message, i, &error))
			break;
	}
	flow_close(flow);
	spec_close(&spec);
	arena_close(own);
	buffer_close(&file);
	return answered == rounds ? 1 : 0;
}

static double run_step(struct arena *arena, long rounds)
{
	return run_flow(PIPELINE("outlier: {tensor: x, reference: r.json}"), arena, rounds);
}

static double run_pass(struct arena *arena, long rounds)
{
	return run_flow(PIPELINE("filter: {keep: 'true'}"), arena, rounds);
}

int main(int count, char **arguments)
{
	static const struct {
		const char *name;
		double (*run)(struct arena *arena, long rounds);
	} runs[] = {{"mahalanobis", run_mahalanobis},
		    {"forest", run_forest},
		    {"change", run_change},
		    {"step", run_step},
		    {"pass", run_pass},
		    {"monitor", run_monitor},
		    {"online", run_online},
		    {"joint", run_joint},
		    {"categories", run_categories},
		    {"texts", run_texts},
		    {"projection", run_projection},
		    {"projections", run_projections},
		    {"embedding", run_embedding},
		    {"flags", run_flags},
		    {"states", run_states},
		    {"nothing", run_nothing}};
	struct arena *arena = arena_open(ARENA_BYTES);
	double total = 0;
	for (size_t i = 0; i < ROWS * COLUMNS; i++)
		rows[i] = drawn();
	for (size_t i = 0; count == 3 && i < sizeof runs / sizeof *runs; i++)
		if (strcmp(arguments[1], runs[i].name) == 0)
			total = runs[i].run(arena, strtol(arguments[2], NULL, 10));
	arena_close(arena);
	if (total == 0)
		fprintf(stderr, "usage: outlier_bench mahalanobis|forest|change|step|pass|monitor|online|joint|projection|"
				"projections|embedding|categories|texts|flags|states|nothing ROUNDS\n");
	return total == 0;
}
