/* trees_bench.c: a model of 500 trees of depth 6 over 30 features, asked with ROWS rows of
 * FP32 at a time, TOTAL rows in all.
 *
 *   trees_bench ours|xgboost|check TOTAL ROWS
 *
 * `ours`: a local model's whole answer to a tensor; `xgboost`: libxgboost's in-place
 * predict through its C API, with one thread, whose library the variable XGBOOST names;
 * `check`: that both answer alike. The trees are drawn from a seed. */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "step/local_model.h"

#define TREES 500
#define DEPTH 6
#define FEATURES 30
#define ROWS_MAX 1000
#define NODES ((1 << (DEPTH + 1)) - 1)
#define SPLITS ((1 << DEPTH) - 1)
#define TEXT_BYTES_MAX ((size_t)64 << 20)
#define ARENA_BYTES ((size_t)256 << 20)
#define CLOSE 1e-4

static float rows[ROWS_MAX * FEATURES];
static struct random chance = {11};

static double drawn(double width)
{
	return ((double)random_below(&chance, 1000000) / 1e6 - 0.5) * width;
}

/* ---- the model ---- */

enum member { LEFT, RIGHT, FEATURE, CONDITION, DEFAULT_LEFT, ZERO, NOTHING };

static void write_member(struct buffer *out, enum member member)
{
	for (int i = 0; i < NODES; i++) {
		bool split = i < SPLITS;
		buffer_string(out, i ? "," : "");
		switch (member) {
		case LEFT:
		case RIGHT:
			buffer_print(out, "%d", split ? 2 * i + 1 + (member == RIGHT) : -1);
			break;
		case FEATURE:
			buffer_print(out, "%d", split ? (int)random_below(&chance, FEATURES) : 0);
			break;
		case CONDITION:
			buffer_print(out, "%.8E", split ? drawn(2) : drawn(0.1));
			break;
		case DEFAULT_LEFT:
			buffer_print(out, "%d", (int)random_below(&chance, 2));
			break;
		case ZERO:
			buffer_byte(out, '0');
			break;
		case NOTHING: /* a float to XGBoost */
			buffer_string(out, "0E0");
			break;
		}
	}
}

static void write_tree(struct buffer *out, int number)
{
	static const struct {
		const char *key;
		enum member member;
	} members[] = {
		{"base_weights", NOTHING},  {"default_left", DEFAULT_LEFT}, {"left_children", LEFT},
		{"loss_changes", NOTHING},  {"right_children", RIGHT},	    {"split_conditions", CONDITION},
		{"split_indices", FEATURE}, {"split_type", ZERO},	    {"sum_hessian", NOTHING},
		{"parents", ZERO},
	};
	buffer_print(
		out,
		"%s{\"id\":%d,\"categories\":[],\"categories_nodes\":[],\"categories_segments\":[],\"categories_sizes\":[],"
		"\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"%d\",\"num_nodes\":\"%d\",\"size_leaf_vector\":\"1\"}",
		number ? "," : "", number, FEATURES, NODES);
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		buffer_print(out, ",\"%s\":[", members[i].key);
		write_member(out, members[i].member);
		buffer_byte(out, ']');
	}
	buffer_byte(out, '}');
}

static void write_model(struct buffer *out)
{
	buffer_open(out, TEXT_BYTES_MAX);
	buffer_print(out,
		     "{\"learner\":{\"attributes\":{},\"feature_names\":[],\"feature_types\":[],\"gradient_booster\":{\"model\":{"
		     "\"cats\":{\"enc\":[],\"feature_segments\":[],\"sorted_idx\":[]},"
		     "\"gbtree_model_param\":{\"num_parallel_tree\":\"1\",\"num_trees\":\"%d\"},\"iteration_indptr\":[0",
		     TREES);
	for (int i = 1; i <= TREES; i++)
		buffer_print(out, ",%d", i);
	buffer_string(out, "],\"tree_info\":[0");
	for (int i = 1; i < TREES; i++)
		buffer_string(out, ",0");
	buffer_string(out, "],\"trees\":[");
	for (int i = 0; i < TREES; i++)
		write_tree(out, i);
	buffer_print(
		out,
		"]},\"name\":\"gbtree\"},\"learner_model_param\":{\"base_score\":\"[5E-1]\",\"boost_from_average\":\"1\","
		"\"num_class\":\"0\",\"num_feature\":\"%d\",\"num_target\":\"1\"},\"objective\":{\"name\":\"reg:squarederror\","
		"\"reg_loss_param\":{\"scale_pos_weight\":\"1\"}}},\"version\":[3,2,0]}",
		FEATURES);
}

/* ---- ours ---- */

static struct local_model model;
static struct arena *message;

static bool open_ours(struct text text)
{
	struct error error = {0};
	struct arena *arena = arena_open(ARENA_BYTES);
	message = arena_open(ARENA_BYTES);
	model = (struct local_model){
		.predictor = predictor_read(arena, text, ITERATIONS_BEST, &error), .whose = "the model", .output = TEXT("predict")};
	if (!model.predictor)
		fprintf(stderr, "trees_bench: %s\n", error.text);
	return model.predictor && message;
}

/* The answers live until the next call. */
static const double *ask_ours(size_t count)
{
	struct error error = {0};
	struct tensors answer;
	const int64_t shape[] = {(int64_t)count, FEATURES};
	const struct tensor tensor = {
		.name = TEXT("x"), .shape = shape, .data = rows, .count = count * FEATURES, .datatype = DATATYPE_FP32, .rank = 2};
	const struct tensor *items[] = {&tensor};
	arena_reset(message);
	if (!local_model_answer(&model, &(struct payload){.tensors = {1, items}}, message, &answer, &error)) {
		fprintf(stderr, "trees_bench: %s\n", error.text);
		exit(1);
	}
	return answer.items[0]->data;
}

/* ---- libxgboost ---- */

static struct xgboost {
	void *booster;
	int (*create)(const void *const matrices[], uint64_t count, void **booster);
	int (*load)(void *booster, const void *bytes, uint64_t length);
	int (*set)(void *booster, const char *name, const char *value);
	int (*predict)(void *booster, const char *array, const char *config, void *proxy, const uint64_t **shape, uint64_t *rank,
		       const float **results);
	const char *(*why)(void);
} theirs;

static bool symbol_find(void *library, const char *name, void *function)
{
	void *found = dlsym(library, name);
	memcpy(function, &found, sizeof found);
	return found != NULL;
}

static bool open_theirs(struct text text)
{
	const char *path = getenv("XGBOOST");
	void *library = path ? dlopen(path, RTLD_NOW) : NULL;
	if (!library) {
		fprintf(stderr, "trees_bench: XGBOOST names no libxgboost.so: %s\n", path ? dlerror() : "it is not set");
		return false;
	}
	bool good = symbol_find(library, "XGBoosterCreate", &theirs.create) &&
		    symbol_find(library, "XGBoosterLoadModelFromBuffer", &theirs.load) &&
		    symbol_find(library, "XGBoosterSetParam", &theirs.set) &&
		    symbol_find(library, "XGBoosterPredictFromDense", &theirs.predict) &&
		    symbol_find(library, "XGBGetLastError", &theirs.why);
	good = good && theirs.create(NULL, 0, &theirs.booster) == 0 && theirs.set(theirs.booster, "nthread", "1") == 0 &&
	       theirs.load(theirs.booster, text.bytes, text.length) == 0;
	if (!good)
		fprintf(stderr, "trees_bench: %s\n", theirs.why ? theirs.why() : "it is another libxgboost");
	return good;
}

static const float *ask_theirs(size_t count)
{
	static const char config[] =
		"{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false,"
		"\"cache_id\":0,\"missing\":NaN}";
	char array[256];
	const uint64_t *shape;
	uint64_t rank;
	const float *results;
	(void)snprintf(array, sizeof array, "{\"data\":[%zu,true],\"shape\":[%zu,%d],\"typestr\":\"<f4\",\"version\":3}",
		       (size_t)(uintptr_t)rows, count, FEATURES);
	if (theirs.predict(theirs.booster, array, config, NULL, &shape, &rank, &results) != 0) {
		fprintf(stderr, "trees_bench: %s\n", theirs.why());
		exit(1);
	}
	return results;
}

/* ---- both ---- */

static bool answer_alike(size_t count)
{
	const double *our = ask_ours(count);
	const float *their = ask_theirs(count);
	for (size_t i = 0; i < count; i++)
		if (!(fabs(our[i] - (double)their[i]) < CLOSE)) {
			fprintf(stderr, "trees_bench: row %zu: %.9g is not %.9g\n", i, our[i], (double)their[i]);
			return false;
		}
	return true;
}

int main(int argc, char **argv)
{
	long total = argc == 4 ? strtol(argv[2], NULL, 10) : 0, count = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
	if (total <= 0 || count <= 0 || count > ROWS_MAX) {
		fprintf(stderr, "usage: trees_bench ours|xgboost|check TOTAL ROWS\n");
		return 2;
	}
	struct buffer text;
	write_model(&text);
	for (size_t i = 0; i < ROWS_MAX * FEATURES; i++)
		rows[i] = random_below(&chance, 20) ? (float)drawn(2) : NAN;
	bool ours = strcmp(argv[1], "ours") == 0, both = strcmp(argv[1], "check") == 0;
	if (buffer_failed(&text) || ((ours || both) && !open_ours(buffer_view(&text))) ||
	    (!ours && !open_theirs(buffer_view(&text))))
		return 1;
	if (both)
		return !answer_alike((size_t)count);
	for (long done = 0; done + count <= total; done += count)
		if (ours)
			(void)ask_ours((size_t)count);
		else
			(void)ask_theirs((size_t)count);
	return 0;
}
