/* metric_rows.c: Option rows of declared metrics, of a pipeline and of metricsConfig, and their checks that need no graph. */
#include "base/suggest.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/rows.h"

#define BUCKETS_HELP "Upper bounds of a histogram's buckets, in rising order, at most 20."
#define LABEL_NAMES_KEPT "namespace pipeline le quantile"

static const struct option label_rows[] = {
	{.type = OPTION_KEY, .offset = offsetof(struct metric_label, name)},
	{.type = OPTION_EXPRESSION, .short_form = true, .offset = offsetof(struct metric_label, value), .uses = USE_FEEDBACK},
	{.type = OPTION_END},
};

const struct option pipeline_metric_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct metric_spec, here)},
	ROW("name", NAME, struct metric_spec, name, .required = true,
	    .help = "The metric's name in `/metrics`: letters, digits, `_` and `:`. A counter gets `_total` after it."),
	ROW("type", CHOICE, struct metric_spec, type, .choices = SERIES_TYPES, .required = true,
	    .help = "gauge: the latest value. counter: the sum. histogram: the number of values by bucket. summary: their sum and "
		    "number. In OpenMetrics a sum cannot be negative: a histogram with a bucket or a sum below 0 has no `_sum` "
		    "and no `_count` there, and a summary has no `_sum` while it is below 0."),
	ROW("help", TEXT, struct metric_spec, help, .help = "The description of the metric."),
	ROW("value", EXPRESSION, struct metric_spec, value, .uses = USE_FEEDBACK, .required = true,
	    .help = "The value that is counted; each element, if it has several. Names are tensors of the answer; `request.t`, "
		    "`latency_ms` and `variant` are known too."),
	ROW("labels", TABLE, struct metric_spec, labels, .rows = label_rows, .item_size = sizeof(struct metric_label),
	    .help = "Labels, at most 8. Each is an expression that gives a text, an integer, or true or false. A missing value is "
		    "empty."),
	ROW("buckets", NUMBERS, struct metric_spec, buckets, .place_offset = offsetof(struct metric_spec, buckets_place),
	    .least = -1e308, .most = 1e308, .help = BUCKETS_HELP),
	ROW("role", CHOICE, struct metric_spec, role, .choices = "primary guardrail other", .fallback = "other",
	    .help = "How `sluice experiments analyze` uses it. primary: it decides. guardrail: it must not get worse by more than "
		    "the margin. other: it is shown."),
	ROW("direction", CHOICE, struct metric_spec, direction, .choices = "higher lower", .fallback = "higher",
	    .help = "Which values are better."),
	ROW("margin", NUMBER, struct metric_spec, margin, .least = 0.0001, .most = 10,
	    .help = "The least difference that matters, as a share of the control's mean. Default: --practical."),
	ROW("cap", NUMBER, struct metric_spec, cap, .place_offset = offsetof(struct metric_spec, cap_place), .least = 0, .most = 1,
	    .help = "For heavy tails: analyze and rollouts replace values above this quantile by it, and values below the opposite "
		    "quantile by that one. Both are fixed when each variant has 100 units. If more than half of the values are "
		    "then 0, both are quantiles of the others, and fixed when 100 of these have come; nothing is capped until "
		    "then. Above 50%; 100% is off. Without a cap, a small variant counts as varying at least as both do together, "
		    "because it may have none of the rare, large values yet. That keeps false differences rare, and hides small "
		    "ones. So where a variant has fewer units than the skewness of the values needs (355 times its square), "
		    "analyze says what the interval assumes, and shows beside it what 99% would find. It caps nothing unasked."),
	ROW("perUnit", CHOICE, struct metric_spec, per_unit, .place_offset = offsetof(struct metric_spec, per_unit_place),
	    .choices = "mean sum ratio", .fallback = "mean",
	    .help = "What a unit counts as in `sluice experiments analyze` and in the criteria of rollouts. mean: the mean of its "
		    "values. sum: their sum, 0 without one, as of the revenue of a user; no criterion can be of it, since it grows "
		    "while a stage lasts. ratio: the sum of all values by their number, so that a unit counts by as many as it "
		    "has; no --covariate reduces its variance. Bandits learn from each value."),
	{.type = OPTION_END},
};

const struct option custom_metric_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct metric_spec, here)},
	ROW("name", NAME, struct metric_spec, name, .required = true,
	    .help = "The metric's name, and the tensor of answers that it counts where a pipeline has no metric of that name."),
	ROW("type", CHOICE, struct metric_spec, type, .choices = SERIES_TYPES, .required = true,
	    .help = "gauge, counter, histogram or summary."),
	ROW("help", TEXT, struct metric_spec, help,
	    .help = "The description. It is also that of pipelines' metrics of that name without one."),
	ROW("buckets", NUMBERS, struct metric_spec, buckets, .place_offset = offsetof(struct metric_spec, buckets_place),
	    .least = -1e308, .most = 1e308, .help = BUCKETS_HELP " Also those of pipelines' metrics of that name without any."),
	{.type = OPTION_END},
};

/* ---- names ---- */

/* Prometheus' rule, without colons, which are for recording rules. */
static bool name_is_valid(const char *name)
{
	if (*name >= '0' && *name <= '9')
		return false;
	for (const char *byte = name; *byte; byte++) {
		const char lower = (char)(*byte | 0x20);
		if (!(lower >= 'a' && lower <= 'z') && !(*byte >= '0' && *byte <= '9') && *byte != '_')
			return false;
	}
	return *name != '\0';
}

static bool name_is_ours(const char *name)
{
	static const char *const prefixes[] = {"sluice_", "seldon_", "process_"};
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (text_starts_with(text_of(name), text_of(prefixes[i])))
			return true;
	return false;
}

const struct metric_spec *metric_spec_find(const struct item_list *metrics, const char *name)
{
	const struct metric_spec *items = metrics->items;
	for (size_t i = 0; i < metrics->count; i++)
		if (items[i].name.text && strcmp(items[i].name.text, name) == 0)
			return &items[i];
	return NULL;
}

bool metrics_declare(const void *metrics, struct text name)
{
	const struct item_list *list = metrics;
	const struct metric_spec *items = list->items;
	for (size_t i = 0; i < list->count; i++)
		if (items[i].name.text && text_is(name, items[i].name.text))
			return true;
	return false;
}

static void check_name(const struct item_list *metrics, const struct metric_spec *metric, struct faults *faults)
{
	const char *name = metric->name.text;
	if (!name)
		return;
	if (!name_is_valid(name))
		fault_add(faults, CODE_BAD_NAME, metric->name.place, NULL,
			  "the metric's name `%s` is not valid in Prometheus: use letters, digits and `_`, and no digit at its "
			  "beginning",
			  name);
	else if (name_is_ours(name))
		fault_add(faults, CODE_CONTRADICTION, metric->name.place, NULL,
			  "the metric's name `%s` begins with a prefix that is sluice's own; choose another name", name);
	const struct metric_spec *first = metric_spec_find(metrics, name);
	if (first != metric)
		fault_add(faults, CODE_REPEATED_NAME, metric->name.place, NULL, "the metric `%s` is already in line %u", name,
			  first->name.place.line);
}

static void check_labels(const struct metric_spec *metric, struct faults *faults)
{
	const struct metric_label *labels = metric->labels.items;
	for (size_t i = 0; i < metric->labels.count; i++) {
		const struct name name = labels[i].name;
		if (i == SERIES_LABELS_MAX)
			fault_add(faults, CODE_OUT_OF_RANGE, name.place, NULL, "a metric has at most %d labels", SERIES_LABELS_MAX);
		if (!name_is_valid(name.text) || text_starts_with(text_of(name.text), TEXT("__")))
			fault_add(faults, CODE_BAD_NAME, name.place, NULL,
				  "the label's name `%s` is not one of Prometheus: letters, digits and `_`, no digit and no `__` "
				  "at its beginning",
				  name.text);
		else if (choice_find(LABEL_NAMES_KEPT, text_of(name.text), NULL) >= 0)
			fault_add(faults, CODE_CONTRADICTION, name.place, NULL, "every series has a label `%s` already%s",
				  name.text,
				  strcmp(name.text, "le") == 0 || strcmp(name.text, "quantile") == 0 ? " in Prometheus" : "");
	}
}

static void check_buckets(const struct metric_spec *metric, struct faults *faults)
{
	const struct number_list buckets = metric->buckets;
	if (metric->buckets_place.line > 0 && metric->type != SERIES_HISTOGRAM)
		fault_add(faults, CODE_CONTRADICTION, metric->buckets_place, NULL, "only a histogram has `buckets`");
	if (buckets.count > SERIES_BUCKETS_MAX)
		fault_add(faults, CODE_OUT_OF_RANGE, metric->buckets_place, NULL, "`buckets` has %zu bounds, more than %d",
			  buckets.count, SERIES_BUCKETS_MAX);
	for (size_t i = 1; i < buckets.count; i++)
		if (!(buckets.items[i] > buckets.items[i - 1])) {
			fault_add(faults, CODE_OUT_OF_RANGE, metric->buckets_place, NULL, "`buckets` does not rise: %g follows %g",
				  buckets.items[i], buckets.items[i - 1]);
			return;
		}
}

static void check_analysis(const struct item_list *metrics, const struct metric_spec *metric, struct faults *faults)
{
	const struct metric_spec *first = metrics->items;
	if (metric->cap_place.line > 0 && !(metric->cap > METRIC_CAP_LEAST))
		fault_add(faults, CODE_OUT_OF_RANGE, metric->cap_place, NULL, "`cap` is not above 50%% and at most 100%%");
	for (; metric->role == METRIC_PRIMARY && first < metric; first++)
		if (first->role == METRIC_PRIMARY) {
			fault_add(faults, CODE_CONTRADICTION, metric->here, NULL,
				  "the metric in line %u already has `role: primary`; only one metric decides", first->here.line);
			return;
		}
}

void metrics_check(const struct item_list *metrics, bool custom, struct faults *faults)
{
	const struct metric_spec *items = metrics->items;
	if (metrics->count > METRICS_MAX)
		fault_add(faults, CODE_OUT_OF_RANGE, items[METRICS_MAX].here, NULL, "%s at most %d metrics",
			  custom ? "`customMetrics` has" : "a pipeline has", METRICS_MAX);
	for (size_t i = 0; i < metrics->count; i++) {
		check_name(metrics, &items[i], faults);
		check_labels(&items[i], faults);
		check_buckets(&items[i], faults);
		if (!custom)
			check_analysis(metrics, &items[i], faults);
	}
}

double metric_cap(const struct item_list *metrics, const char *name)
{
	const struct metric_spec *items = metrics->items;
	for (size_t i = 0; i < metrics->count; i++)
		if (items[i].name.text && strcmp(items[i].name.text, name) == 0)
			return items[i].cap > 0.5 && items[i].cap < 1 ? items[i].cap : 0;
	return 0;
}

bool metric_is_ratio(const struct item_list *metrics, const char *name)
{
	const struct metric_spec *metric = metric_spec_find(metrics, name);
	return metric && metric->per_unit == METRIC_RATIO;
}
