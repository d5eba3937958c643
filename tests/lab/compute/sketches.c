/* sketches.c: Family `sketches`: quantiles of streams that are not stored, next to exact ones. */
#include <math.h>
#include <string.h>

#include "base/number/random.h"
#include "compute/values.h"
#include "comparison/numeric/ddsketch.h"
#include "comparison/numeric/hdr_histogram.h"
#include "methods/numeric/moments.h"
#include "methods/numeric/quantile.h"
#include "comparison/numeric/tdigest.h"

#define STREAM_NUMBERS_MAX 10000000
#define SHARDS_MAX 1024

/* ---- streams ---- */

static double uniform(double u)
{
	return u;
}

static double exponential(double u)
{
	return -log1p(-u);
}

static double pareto(double u)
{
	return pow(1 - u, -1 / 1.5);
}

static double bimodal(double u)
{
	return u < 0.5 ? 2 * u : 1000 + u;
}

static double hundredfold(double u)
{
	return u * 100;
}

static double discrete(double u)
{
	return floor(7 * u);
}

static double two_sided(double u)
{
	return 200 * (u - 0.5);
}

static double latency_us(double u)
{
	return floor(200 - 300 * log1p(-u) + (u > 0.99 ? 5000000 * (u - 0.99) : 0));
}

enum stream_order { ORDER_DRAWN, ORDER_ASCENDING, ORDER_DESCENDING };

static const struct stream_kind {
	const char *name;
	double (*number)(double u);
	enum stream_order order;
} stream_kinds[] = {
	{"uniform", uniform, ORDER_DRAWN},   {"exponential", exponential, ORDER_DRAWN}, {"pareto", pareto, ORDER_DRAWN},
	{"bimodal", bimodal, ORDER_DRAWN},   {"sorted", hundredfold, ORDER_ASCENDING},	{"reverse", hundredfold, ORDER_DESCENDING},
	{"discrete", discrete, ORDER_DRAWN}, {"signed", two_sided, ORDER_DRAWN},	{"latency_us", latency_us, ORDER_DRAWN},
	{NULL, NULL, ORDER_DRAWN},
};

/* The numbers of a case as they come, and the same in order. */
struct sketch_stream {
	size_t count;
	double *came;
	double *sorted;
};

static void sketches_order(struct sketch_stream *stream, enum stream_order how)
{
	for (size_t i = 0; i < stream->count && how != ORDER_DRAWN; i++)
		stream->came[i] = stream->sorted[how == ORDER_ASCENDING ? i : stream->count - 1 - i];
}

/* By SplitMix64: 53 bits of each number, as a share of 1. */
static bool sketches_draw(const struct compute_case *one, const json_t *generator, struct sketch_stream *stream,
			  struct error *error)
{
	const struct stream_kind *kind = stream_kinds;
	const char *name;
	int64_t seed, count;
	if (!compute_text(generator, "kind", &name, error) || !compute_integer(generator, "seed", &seed, error) ||
	    !compute_integer(generator, "n", &count, error))
		return false;
	while (kind->name && strcmp(kind->name, name) != 0)
		kind++;
	if (!kind->name)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "no stream is of the kind `%s`", name);
	if (count < 0 || count > STREAM_NUMBERS_MAX)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "`n` is %lld; a stream has 0 to %d numbers", (long long)count,
				 STREAM_NUMBERS_MAX);
	struct random random = {(uint64_t)seed};
	stream->count = (size_t)count;
	stream->came = ARENA_ARRAY(one->arena, double, stream->count + 1);
	stream->sorted = ARENA_ARRAY(one->arena, double, stream->count + 1);
	if (!stream->came || !stream->sorted)
		return error_memory(error, ERROR_LIMIT, "drawing a stream");
	for (size_t i = 0; i < stream->count; i++)
		stream->came[i] = stream->sorted[i] = kind->number((double)(random_next(&random) >> 11) * 0x1p-53);
	(void)quantile_sort(stream->sorted, stream->count);
	sketches_order(stream, kind->order);
	return true;
}

/* The numbers themselves; NaN is left out. */
static bool sketches_take(const struct compute_case *one, struct sketch_stream *stream, struct error *error)
{
	struct compute_row row;
	if (!compute_row(one, one->input, "values", &row, error))
		return false;
	stream->came = row.items;
	stream->sorted = ARENA_ARRAY(one->arena, double, row.count ? row.count : 1);
	if (!stream->sorted)
		return error_memory(error, ERROR_LIMIT, "sorting a stream");
	for (size_t i = 0; i < row.count; i++) {
		if (isnan(row.items[i]))
			continue;
		stream->sorted[stream->count] = row.items[i];
		stream->came[stream->count++] = row.items[i];
	}
	(void)quantile_sort(stream->sorted, stream->count);
	return true;
}

static bool stream_read(const struct compute_case *one, struct sketch_stream *stream, struct error *error)
{
	const json_t *generator = json_object_get(one->input, "generator");
	if (!(generator ? sketches_draw(one, generator, stream, error) : sketches_take(one, stream, error)))
		return false;
	return stream->count > 0 || error_set(error, ERROR_INPUT, PLACE_NONE, "the stream is empty, and nothing has no quantiles");
}

/* Sketches that the stream is dealt to in turn, and that are merged at its end. */
static bool shards_read(const struct compute_case *one, size_t *shards, struct error *error)
{
	int64_t given = 1;
	if (compute_has(one->params, "shards") && !compute_integer(one->params, "shards", &given, error))
		return false;
	*shards = (size_t)given;
	return (given >= 1 && given <= SHARDS_MAX) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "`shards` is %lld; 1 to %d do", (long long)given, SHARDS_MAX);
}

/* ---- quantiles of a stream ---- */

struct sketch_question {
	struct sketch_stream stream;
	size_t shards;
	const json_t *quantiles; /* numbers, in the list that names them */
};

static bool alpha_is_sound(const char *key, double alpha, struct error *error)
{
	return (alpha >= DDSKETCH_ALPHA_LEAST && alpha < 1) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` has %g; it is a share from %g on, below 1", key, alpha,
			 DDSKETCH_ALPHA_LEAST);
}

static json_t *by_ddsketch(const struct sketch_question *asked, double alpha, struct error *error)
{
	struct ddsketch sketch;
	json_t *answers = json_object();
	bool good = answers != NULL;
	ddsketch_open(&sketch, alpha, DDSKETCH_BUCKETS);
	for (size_t shard = 0; good && shard < asked->shards; shard++) {
		struct ddsketch part;
		ddsketch_open(&part, alpha, DDSKETCH_BUCKETS);
		for (size_t i = shard; good && i < asked->stream.count; i += asked->shards)
			good = ddsketch_add(&part, asked->stream.came[i]);
		good = good && ddsketch_merge(&sketch, &part);
		ddsketch_close(&part);
	}
	if (!good)
		error_memory(error, ERROR_SYSTEM, "counting a stream");
	for (size_t i = 0; good && i < json_array_size(asked->quantiles); i++) {
		const json_t *q = json_array_get(asked->quantiles, i);
		char key[COMPUTE_KEY_MAX];
		compute_key(q, key);
		compute_put(answers, key, compute_write(ddsketch_quantile(&sketch, json_number_value(q))), error);
	}
	ddsketch_close(&sketch);
	return answers;
}

/* The numbers between which a digest of that compression answers on a stream without gaps. */
static json_t *digest_band(const struct sketch_stream *stream, double q, double compression, double *rank_error)
{
	double count = (double)stream->count;
	*rank_error = fmax(3 / count, (0.02 + 2.4 * q * (1 - q)) / compression + 1 / count);
	double low = fmax(0, floor((q - *rank_error) * count));
	double high = fmin(count - 1, ceil((q + *rank_error) * count));
	return compute_write_row((double[]){stream->sorted[(size_t)low], stream->sorted[(size_t)high]}, 2);
}

static json_t *by_tdigest(const struct sketch_question *asked, double compression, struct error *error)
{
	struct tdigest digest;
	json_t *answers = json_object();
	bool good = answers != NULL;
	tdigest_open(&digest, compression);
	for (size_t shard = 0; good && shard < asked->shards; shard++) {
		struct tdigest part;
		tdigest_open(&part, compression);
		for (size_t i = shard; good && i < asked->stream.count; i += asked->shards)
			good = tdigest_add(&part, asked->stream.came[i]);
		good = good && tdigest_merge(&digest, &part);
		tdigest_close(&part);
	}
	if (!good)
		error_memory(error, ERROR_SYSTEM, "clustering a stream");
	for (size_t i = 0; good && i < json_array_size(asked->quantiles); i++) {
		double q = json_number_value(json_array_get(asked->quantiles, i)), rank_error;
		char key[COMPUTE_KEY_MAX];
		json_t *answer = json_object();
		compute_key(json_array_get(asked->quantiles, i), key);
		compute_put(answer, "value", compute_write(tdigest_quantile(&digest, q)), error);
		compute_put(answer, "value_at_rank_band", digest_band(&asked->stream, q, compression, &rank_error), error);
		compute_put(answer, "rank_error", compute_write(rank_error), error);
		compute_put(answers, key, answer, error);
	}
	tdigest_close(&digest);
	return answers;
}

static json_t *exactly(const struct sketch_question *asked, struct error *error)
{
	json_t *answers = json_object();
	for (size_t i = 0; i < json_array_size(asked->quantiles); i++) {
		const json_t *q = json_array_get(asked->quantiles, i);
		char key[COMPUTE_KEY_MAX];
		compute_key(q, key);
		compute_put(answers, key,
			    compute_write(quantile_sorted(asked->stream.sorted, asked->stream.count, json_number_value(q),
							  QUANTILE_LOWER)),
			    error);
	}
	return answers;
}

static bool shares_read(const json_t *params, const char *key, const json_t **list, double most, struct error *error)
{
	*list = json_object_get(params, key);
	bool good = json_is_array(*list);
	for (size_t i = 0; good && i < json_array_size(*list); i++) {
		double share = json_number_value(json_array_get(*list, i));
		good = json_is_number(json_array_get(*list, i)) && share >= 0 && share <= most;
	}
	return good || error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` is no list of numbers from 0 to %g", key, most);
}

static json_t *run_stream(const struct compute_case *one, struct error *error)
{
	struct sketch_question asked = {0};
	struct compute_row alphas;
	double compression = TDIGEST_COMPRESSION;
	struct sum sum = {0};
	if (!stream_read(one, &asked.stream, error) || !shards_read(one, &asked.shards, error) ||
	    !shares_read(one->params, "quantiles", &asked.quantiles, 1, error) ||
	    !compute_row(one, one->params, "ddsketch_alpha", &alphas, error))
		return NULL;
	if (compute_has(one->params, "tdigest_compression") &&
	    !compute_number(one->params, "tdigest_compression", &compression, error))
		return NULL;
	if (!(compression >= 10)) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`tdigest_compression` is below 10; 100 is usual");
		return NULL;
	}
	json_t *result = json_object(), *sketches = json_object();
	for (size_t i = 0; i < alphas.count; i++) {
		char key[COMPUTE_KEY_MAX];
		compute_key(json_array_get(json_object_get(one->params, "ddsketch_alpha"), i), key);
		if (alpha_is_sound("ddsketch_alpha", alphas.items[i], error))
			compute_put(sketches, key, by_ddsketch(&asked, alphas.items[i], error), error);
	}
	for (size_t i = 0; i < asked.stream.count; i++)
		sum_add(&sum, asked.stream.came[i]);
	compute_put(result, "exact_lower_rank", exactly(&asked, error), error);
	compute_put(result, "ddsketch", sketches, error);
	compute_put(result, "tdigest", by_tdigest(&asked, compression, error), error);
	compute_put(result, "sum", compute_write(sum_value(&sum)), error);
	compute_put(result, "min", compute_write(asked.stream.sorted[0]), error);
	compute_put(result, "max", compute_write(asked.stream.sorted[asked.stream.count - 1]), error);
	return compute_made(result, error);
}

/* ---- buckets of a DDSketch ---- */

static json_t *run_buckets(const struct compute_case *one, struct error *error)
{
	struct compute_row values;
	struct ddsketch sketch;
	double alpha;
	if (!compute_number(one->params, "alpha", &alpha, error) || !compute_row(one, one->input, "values", &values, error))
		return NULL;
	if (!alpha_is_sound("alpha", alpha, error))
		return NULL;
	json_t *result = json_object(), *buckets = json_array(), *representatives = json_array();
	ddsketch_open(&sketch, alpha, DDSKETCH_BUCKETS);
	for (size_t i = 0; i < values.count; i++) {
		if (!(values.items[i] > 0 && isfinite(values.items[i]))) {
			error_set(error, ERROR_INPUT, PLACE_NONE, "`values` has %g; only positive numbers have a bucket",
				  values.items[i]);
			break;
		}
		int32_t bucket = ddsketch_bucket(&sketch, values.items[i]);
		if (json_array_append_new(buckets, json_integer(bucket)) != 0 ||
		    json_array_append_new(representatives, compute_write(ddsketch_representative(&sketch, bucket))) != 0)
			error_memory(error, ERROR_SYSTEM, "writing buckets");
	}
	compute_put(result, "gamma", compute_write(sketch.gamma), error);
	compute_put(result, "index", buckets, error);
	compute_put(result, "representative", representatives, error);
	ddsketch_close(&sketch);
	return compute_made(result, error);
}

/* ---- HDR histograms ---- */

struct hdr_shape {
	int64_t lowest, highest, digits;
};

static bool count_shards(struct hdr_histogram *whole, const struct sketch_question *asked, const struct hdr_shape *shape,
			 struct error *error)
{
	bool good = true;
	for (size_t shard = 0; good && shard < asked->shards; shard++) {
		struct hdr_histogram part;
		if (!hdr_histogram_open(&part, shape->lowest, shape->highest, (unsigned)shape->digits))
			good = error_memory(error, ERROR_SYSTEM, "counting a stream");
		for (size_t i = shard; good && i < asked->stream.count; i += asked->shards) {
			double number = asked->stream.came[i];
			good = (fabs(number) < 0x1p62 && hdr_histogram_add(&part, (int64_t)number)) ||
			       error_set(error, ERROR_INPUT, PLACE_NONE, "the stream has %g, and counted is from 0 to `highest`",
					 number);
		}
		if (good)
			(void)hdr_histogram_merge(whole, &part);
		hdr_histogram_close(&part);
	}
	return good;
}

static json_t *hdr_result(const struct hdr_histogram *whole, const struct sketch_question *asked, struct error *error)
{
	json_t *result = json_object(), *values = json_object(), *exact = json_object();
	struct sum sum = {0};
	for (size_t i = 0; i < json_array_size(asked->quantiles); i++) {
		double percentile = json_number_value(json_array_get(asked->quantiles, i));
		size_t rank = (size_t)hdr_rank(percentile, asked->stream.count);
		char key[COMPUTE_KEY_MAX];
		compute_key(json_array_get(asked->quantiles, i), key);
		compute_put(values, key, json_integer(hdr_histogram_percentile(whole, percentile)), error);
		compute_put(exact, key, json_integer((json_int_t)asked->stream.sorted[rank - 1]), error);
	}
	for (size_t i = 0; i < asked->stream.count; i++)
		sum_add(&sum, asked->stream.came[i]);
	compute_put(result, "value_at_percentile", values, error);
	compute_put(result, "exact_at_percentile", exact, error);
	compute_put(result, "total_count", json_integer((json_int_t)whole->total), error);
	compute_put(result, "max", json_integer(whole->most), error);
	compute_put(result, "min", json_integer(whole->least), error);
	compute_put(result, "mean_exact", compute_write(sum_value(&sum) / (double)asked->stream.count), error);
	return result;
}

static json_t *run_hdr(const struct compute_case *one, struct error *error)
{
	struct sketch_question asked = {0};
	struct hdr_histogram whole;
	struct hdr_shape shape;
	json_t *result = NULL;
	if (!stream_read(one, &asked.stream, error) || !shards_read(one, &asked.shards, error) ||
	    !shares_read(one->params, "percentiles", &asked.quantiles, 100, error) ||
	    !compute_integer(one->params, "lowest", &shape.lowest, error) ||
	    !compute_integer(one->params, "highest", &shape.highest, error) ||
	    !compute_integer(one->params, "significant_digits", &shape.digits, error))
		return NULL;
	if (shape.digits < 1 || shape.digits > HDR_DIGITS_MAX ||
	    !hdr_histogram_open(&whole, shape.lowest, shape.highest, (unsigned)shape.digits)) {
		error_set(error, ERROR_INPUT, PLACE_NONE,
			  "`lowest`, `highest` and `significant_digits` want 1 <= lowest, 2 lowest <= highest < 2^62, 1 to %d",
			  HDR_DIGITS_MAX);
		return NULL;
	}
	if (count_shards(&whole, &asked, &shape, error))
		result = hdr_result(&whole, &asked, error);
	hdr_histogram_close(&whole);
	return compute_made(result, error);
}

/* ---- types of quantiles ---- */

static json_t *run_types(const struct compute_case *one, struct error *error)
{
	struct compute_row numbers, shares;
	const json_t *list;
	if (!compute_row(one, one->input, "x", &numbers, error) || !shares_read(one->params, "q", &list, 1, error) ||
	    !compute_row(one, one->params, "q", &shares, error))
		return NULL;
	size_t count = quantile_sort(numbers.items, numbers.count);
	double *values = ARENA_ARRAY(one->arena, double, shares.count ? shares.count : 1);
	json_t *result = json_object();
	if (!values)
		error_memory(error, ERROR_LIMIT, "writing quantiles");
	for (size_t type = 0; values && quantile_types[type].name; type++) {
		for (size_t i = 0; i < shares.count; i++)
			values[i] = quantile_sorted(numbers.items, count, shares.items[i], (enum quantile_type)type);
		compute_put(result, quantile_types[type].name, compute_write_row(values, shares.count), error);
	}
	return compute_made(result, error);
}

/* ---- the family ---- */

/* What the parameters ask for says which method is meant. */
static json_t *compute_sketches_run(const struct compute_case *one, struct error *error)
{
	static const struct {
		const char *key;
		json_t *(*run)(const struct compute_case *one, struct error *error);
	} methods[] = {{"quantiles", run_stream}, {"percentiles", run_hdr}, {"alpha", run_buckets}, {"q", run_types}};
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (compute_has(one->params, methods[i].key))
			return methods[i].run(one, error);
	json_t *result = json_object();
	compute_put(result, "statement",
		    json_string("merged DDSketches and HDR histograms count as one over the whole stream does; a merged "
				"t-digest answers within the same bands; `shards` among params shows it"),
		    error);
	return compute_made(result, error);
}

static const struct compute_method methods[] = {
	{"exact_lower_rank", "the number of rank floor(q (n - 1)), from 0, of the sorted stream"},
	{"ddsketch", "bucket ceil(log_gamma v), gamma = (1 + alpha) / (1 - alpha), stands for 2 gamma^i / (gamma + 1); within "
		     "alpha |v| of exact_lower_rank; negative numbers and zeros apart"},
	{"tdigest", "merged clusters of at most 2 n q (1 - q) / compression numbers, lines between them; beside it the numbers at "
		    "the ranks q -+ max(3/n, (0.02 + 2.4 q (1 - q)) / compression + 1/n)"},
	{"hdr", "value_at_percentile: the highest number counted with that of rank max(1, ceil(p n / 100)); exact_at_percentile: "
		"that number itself"},
	{"quantile types", "linear (7), lower, higher, inverted_cdf (1), interpolated_inverted_cdf (4), hazen (5), weibull (6), "
			   "median_unbiased (8), normal_unbiased (9), averaged_inverted_cdf (2), closest_observation (3), as "
			   "numpy.quantile(method=...)"},
	{NULL, NULL},
};

const struct compute_family compute_sketches = {
	.name = "sketches",
	.summary = "Quantiles of a stream that is not kept, beside exact ones.",
	.methods = methods,
	.parameters = "alpha ddsketch_alpha highest lowest percentiles q quantiles shards significant_digits tdigest_compression",
	.run = compute_sketches_run,
};
