/* annotations.c: see annotations.h. */
#include "compiler/resources/annotations.h"

#include "base/number/number.h"
#include "base/suggest.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/yaml/node_make.h"
#include "compiler/yaml/options.h"

/* The criteria are made as nodes at the annotation's place, so that they are checked as those
 * that are written. */
#define ANNOTATION "seldon.io/success-criteria"
#define SIGNS "<>=!"
#define CRITERION_FIELDS 3

static size_t criteria_count(struct text criteria)
{
	size_t count = 0;
	while (criteria.length > 0) {
		(void)text_take_until(&criteria, ',');
		count++;
	}
	return count;
}

/* NULL: memory ran out, or it is a fault. */
static const struct node *criterion_node(struct text criterion, const struct node *annotation, struct arena *arena,
					 struct faults *faults)
{
	size_t name = 0, sign = 0;
	struct threshold threshold;
	while (name < criterion.length && !memchr(SIGNS, criterion.bytes[name], strlen(SIGNS)))
		name++;
	while (name + sign < criterion.length && memchr(SIGNS, criterion.bytes[name + sign], strlen(SIGNS)))
		sign++;
	const struct text metric = text_trimmed((struct text){criterion.bytes, name}, " ");
	const bool of_time = text_starts_with(metric, TEXT("latency"));
	if (metric.length == 0 || !threshold_read(text_from(criterion, name), &threshold) ||
	    (of_time ? threshold.percent : threshold.time)) {
		fault_add(faults, CODE_BAD_THRESHOLD, annotation->place, NULL,
			  "`" ANNOTATION "` has `" TEXT_FORMAT "`, which is no criterion; write a metric and its limit, as "
			  "accuracy>0.6 or latency<100ms",
			  TEXT_ARGUMENTS(criterion));
		return NULL;
	}
	struct growing made = map_begin(arena, annotation->place, CRITERION_FIELDS);
	const char *word = text_is(metric, "latency") ? "latency_p95" : arena_copy(arena, metric.bytes, metric.length);
	map_put(&made, "metricName", node_scalar(arena, annotation->place, word, true));
	map_put(&made, "operator", node_scalar(arena, annotation->place, arena_copy(arena, criterion.bytes + name, sign), true));
	map_put(&made, "threshold", node_scalar(arena, annotation->place, arena_print(arena, "%.17g", threshold.value), false));
	return made.node;
}

/* The annotation that has the criteria of the document; NULL: its `spec` has them, or there are none. */
static const struct node *annotation_in_force(const struct node *document, const struct node *spec)
{
	const struct node *annotation = node_get(node_get(node_get(document, "metadata"), "annotations"), ANNOTATION);
	return annotation && annotation->type == NODE_SCALAR && !node_get(spec, CRITERIA_FIELD) ? annotation : NULL;
}

const char *criteria_field(const struct node *document)
{
	return annotation_in_force(document, node_get(document, "spec")) ? "the annotation `" ANNOTATION "`" : CRITERIA_FIELD;
}

const struct node *criteria_annotated(const struct node *document, const struct node *spec, struct arena *arena,
				      struct faults *faults)
{
	const struct node *annotation = annotation_in_force(document, spec);
	if (!annotation)
		return spec;
	struct text rest = annotation->scalar;
	struct growing list = list_begin(arena, annotation->place, criteria_count(rest));
	struct growing more = map_begin(arena, annotation->place, 1);
	while (rest.length > 0) {
		const struct node *criterion =
			criterion_node(text_trimmed(text_take_until(&rest, ','), " "), annotation, arena, faults);
		if (criterion)
			list_put(&list, criterion);
	}
	map_put(&more, CRITERIA_FIELD, list.node);
	const struct node *merged = more.node ? node_merged(arena, spec, more.node) : NULL;
	return merged ? merged : spec;
}

#define OF(type) (1U << (type))
#define TIMEOUT "seldon.io/rest-timeout"
#define ONE_TIMEOUT "one timeout is of REST and gRPC: write `" TIMEOUT "` in milliseconds, or `timeout`"

/* A key that ends with `*` is the beginning of several. */
static const struct annotation_row {
	const char *key;
	unsigned supported;  /* by resources of these types; 0: by none */
	const char *instead; /* the next step where it is not supported; NULL: only Kubernetes, an ingress or a reader needs it */
} annotation_table[] = {
	{TIMEOUT, OF(RESOURCE_PIPELINE) | OF(RESOURCE_MODEL) | OF(RESOURCE_DEPLOYMENT),
	 "write it in the Pipeline, SeldonDeployment or Model whose calls it is to end"},
	{"seldon.io/success-criteria", OF(RESOURCE_EXPERIMENT),
	 "to have them judged, write an Experiment with " CRITERIA_FIELD " and progressiveDeployment or promotionPolicy"},
	{"sluice.io/exposures", OF(RESOURCE_DEPLOYMENT), "write the field `exposures` of the Experiment or step"},
	{"sluice.io/explainer-background", OF(RESOURCE_DEPLOYMENT), "write the option `background` of the step `explain`"},
	{"seldon.io/grpc-timeout", 0, ONE_TIMEOUT},
	{"seldon.io/rest-read-timeout", 0, ONE_TIMEOUT},
	{"seldon.io/grpc-read-timeout", 0, ONE_TIMEOUT},
	{"seldon.io/rest-connection-timeout", 0, ONE_TIMEOUT},
	{"seldon.io/rest-connect-retries", 0, "failed calls are repeated within the deadline anyway; leave it out"},
	{"seldon.io/grpc-max-message-size", 0, "a message may be as large as Kafka takes; leave it out"},
	{"seldon.io/experiment-type", 0, NULL},
	{"seldon.io/model-type", 0, NULL},
	{"seldon.io/model-version", 0, NULL},
	{"seldon.io/ambassador-*", 0, NULL},
	{"seldon.io/istio-*", 0, NULL},
	{"seldon.io/svc-name", 0, NULL},
	{"seldon.io/headless-svc", 0, NULL},
	{"seldon.io/no-engine", 0, NULL},
	{"seldon.io/engine-*", 0, NULL},
	{"seldon.io/executor*", 0, NULL},
};

#define ROWS (sizeof annotation_table / sizeof *annotation_table)

static bool row_names(const struct annotation_row *row, struct text key)
{
	const struct text name = text_of(row->key);
	const bool is_begin = name.bytes[name.length - 1] == '*';
	return is_begin ? text_starts_with(key, (struct text){name.bytes, name.length - 1}) : text_equal(name, key);
}

static void unknown_report(const struct node *key, struct faults *faults)
{
	struct suggestion suggestion = suggest_begin(key->scalar);
	for (size_t i = 0; i < ROWS; i++)
		suggest_offer(&suggestion, text_of(annotation_table[i].key));
	fault_add(faults, CODE_ANNOTATION, key->place, suggestion.nearest.bytes,
		  "sluice does not know the annotation `" TEXT_FORMAT "`, so it has no effect; check its name, or leave it out",
		  TEXT_ARGUMENTS(key->scalar));
}

/* Milliseconds, as Seldon has them; 0: it cannot be read. */
static int64_t timeout_read(struct text value)
{
	int64_t timeout_ms = 0;
	return number_read_int64(value, &timeout_ms) && timeout_ms > 0 && timeout_ms <= INT32_MAX ? timeout_ms : 0;
}

int64_t annotations_timeout_ms(const struct resource *resource)
{
	const struct annotation *annotations = resource->annotations.items;
	for (size_t i = 0; i < resource->annotations.count; i++)
		if (annotations[i].value && strings_equal(annotations[i].key.text, TIMEOUT))
			return timeout_read(text_of(annotations[i].value));
	return 0;
}

static void timeout_check(const struct node *value, struct faults *faults)
{
	if (value->type == NODE_SCALAR && timeout_read(value->scalar) == 0)
		fault_add(faults, CODE_ANNOTATION, value->place, NULL,
			  "`" TIMEOUT "` is `" TEXT_FORMAT "`, which is no whole number of milliseconds from 1 to %d, so it has no "
			  "effect; write one, as 5000 for 5 s",
			  TEXT_ARGUMENTS(value->scalar), INT32_MAX);
}

static void annotation_check(const struct node_entry *entry, unsigned type, const char *home, struct faults *faults)
{
	const struct node *key = entry->key;
	size_t i = 0;
	while (i < ROWS && !row_names(&annotation_table[i], key->scalar))
		i++;
	if (i == ROWS) {
		unknown_report(key, faults);
		return;
	}
	const struct annotation_row *row = &annotation_table[i];
	const bool is_supported = (row->supported & type) != 0;
	if (is_supported && home)
		fault_add(faults, CODE_ANNOTATION, key->place, NULL, "`" TEXT_FORMAT "` has no effect here; write it in %s",
			  TEXT_ARGUMENTS(key->scalar), home);
	else if (is_supported && strcmp(row->key, TIMEOUT) == 0)
		timeout_check(entry->value, faults);
	else if (!is_supported && row->instead)
		fault_add(faults, CODE_ANNOTATION, key->place, NULL, "`" TEXT_FORMAT "` has no effect here: %s",
			  TEXT_ARGUMENTS(key->scalar), row->instead);
	else if (!is_supported)
		fault_add(faults, CODE_NO_EFFECT, key->place, NULL, "`" TEXT_FORMAT "` has no effect here",
			  TEXT_ARGUMENTS(key->scalar));
}

/* `home`: where those of this map would be supported; NULL: here. */
static void map_check(const struct node *annotations, enum resource_type type, const char *home, struct faults *faults)
{
	for (size_t i = 0; annotations && annotations->type == NODE_MAP && i < annotations->count; i++) {
		const struct text key = annotations->entries[i].key->scalar;
		if (text_starts_with(key, TEXT("seldon.io/")) || text_starts_with(key, TEXT("sluice.io/")))
			annotation_check(&annotations->entries[i], OF(type), home, faults);
	}
}

/* Both are there: the field holds. */
static void criteria_check(const struct node *annotations, const struct node *spec, struct faults *faults)
{
	for (size_t i = 0; annotations && annotations->type == NODE_MAP && i < annotations->count; i++)
		if (text_is(annotations->entries[i].key->scalar, "seldon.io/success-criteria") && node_get(spec, CRITERIA_FIELD))
			fault_add(faults, CODE_NO_EFFECT, annotations->entries[i].key->place, NULL,
				  "`seldon.io/success-criteria` has no effect beside the field " CRITERIA_FIELD
				  "; leave one of them out");
}

void annotations_check(const struct node *document, enum resource_type type, struct faults *faults)
{
	const struct node *spec = node_get(document, "spec"), *own = node_get(node_get(document, "metadata"), "annotations");
	map_check(own, type, NULL, faults);
	if (type == RESOURCE_EXPERIMENT)
		criteria_check(own, spec, faults);
	if (type != RESOURCE_DEPLOYMENT)
		return;
	map_check(node_get(spec, "annotations"), type, NULL, faults);
	const struct node *predictors = node_get(spec, "predictors");
	for (size_t i = 0; predictors && predictors->type == NODE_LIST && i < predictors->count; i++)
		map_check(node_get(predictors->items[i], "annotations"), type, "metadata.annotations of the SeldonDeployment",
			  faults);
}
