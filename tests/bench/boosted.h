/* boosted.h: a model as XGBoost writes it, drawn from a seed, and libxgboost beside it, for
 * programs that measure trees. The variable XGBOOST names the library. */
#pragma once

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number/random.h"
#include "base/text.h"

#define FEATURES 30
#define TEXT_BYTES_MAX ((size_t)1 << 30)

static struct random chance = {11};

/* All trees are full. */
static int trees_of_model = 500, depth_of_model = 6;

static inline double drawn(double width)
{
	return ((double)random_below(&chance, 1000000) / 1e6 - 0.5) * width;
}

/* ---- the model ---- */

enum member { LEFT, RIGHT, FEATURE, CONDITION, DEFAULT_LEFT, ZERO, NOTHING, COVER };

/* Of the training rows at a split a third goes left, so much as the levels allow. */
static double cover_of(int node)
{
	double cover = 1e6;
	for (; node; node = (node - 1) / 2)
		cover *= node % 2 ? 1.0 / 3 : 2.0 / 3;
	return cover;
}

static void write_member(struct buffer *out, enum member member)
{
	const int splits = (1 << depth_of_model) - 1;
	for (int i = 0; i < 2 * splits + 1; i++) {
		bool split = i < splits;
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
		case COVER:
			buffer_print(out, "%.8E", cover_of(i));
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
		{"split_indices", FEATURE}, {"split_type", ZERO},	    {"sum_hessian", COVER},
		{"parents", ZERO},
	};
	buffer_print(
		out,
		"%s{\"id\":%d,\"categories\":[],\"categories_nodes\":[],\"categories_segments\":[],\"categories_sizes\":[],"
		"\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"%d\",\"num_nodes\":\"%d\",\"size_leaf_vector\":\"1\"}",
		number ? "," : "", number, FEATURES, (2 << depth_of_model) - 1);
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		buffer_print(out, ",\"%s\":[", members[i].key);
		write_member(out, members[i].member);
		buffer_byte(out, ']');
	}
	buffer_byte(out, '}');
}

static inline void write_model(struct buffer *out)
{
	buffer_open(out, TEXT_BYTES_MAX);
	buffer_print(out,
		     "{\"learner\":{\"attributes\":{},\"feature_names\":[],\"feature_types\":[],\"gradient_booster\":{\"model\":{"
		     "\"cats\":{\"enc\":[],\"feature_segments\":[],\"sorted_idx\":[]},"
		     "\"gbtree_model_param\":{\"num_parallel_tree\":\"1\",\"num_trees\":\"%d\"},\"iteration_indptr\":[0",
		     trees_of_model);
	for (int i = 1; i <= trees_of_model; i++)
		buffer_print(out, ",%d", i);
	buffer_string(out, "],\"tree_info\":[0");
	for (int i = 1; i < trees_of_model; i++)
		buffer_string(out, ",0");
	buffer_string(out, "],\"trees\":[");
	for (int i = 0; i < trees_of_model; i++)
		write_tree(out, i);
	buffer_print(
		out,
		"]},\"name\":\"gbtree\"},\"learner_model_param\":{\"base_score\":\"[5E-1]\",\"boost_from_average\":\"1\","
		"\"num_class\":\"0\",\"num_feature\":\"%d\",\"num_target\":\"1\"},\"objective\":{\"name\":\"reg:squarederror\","
		"\"reg_loss_param\":{\"scale_pos_weight\":\"1\"}}},\"version\":[3,2,0]}",
		FEATURES);
}

/* ---- libxgboost ---- */

static struct xgboost {
	void *library;
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
		fprintf(stderr, "boosted: XGBOOST names no libxgboost.so: %s\n", path ? dlerror() : "it is not set");
		return false;
	}
	theirs.library = library;
	bool good = symbol_find(library, "XGBoosterCreate", &theirs.create) &&
		    symbol_find(library, "XGBoosterLoadModelFromBuffer", &theirs.load) &&
		    symbol_find(library, "XGBoosterSetParam", &theirs.set) &&
		    symbol_find(library, "XGBoosterPredictFromDense", &theirs.predict) &&
		    symbol_find(library, "XGBGetLastError", &theirs.why);
	good = good && theirs.create(NULL, 0, &theirs.booster) == 0 && theirs.set(theirs.booster, "nthread", "1") == 0 &&
	       theirs.load(theirs.booster, text.bytes, text.length) == 0;
	if (!good)
		fprintf(stderr, "boosted: %s\n", theirs.why ? theirs.why() : "it is another libxgboost");
	return good;
}

/* What it answers to rows of FP32. */
static inline const float *ask_theirs(const float *rows, size_t count)
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
		fprintf(stderr, "boosted: %s\n", theirs.why());
		exit(1);
	}
	return results;
}
