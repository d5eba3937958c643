/* criteria_annotation.c: see criteria_annotation.h. The criteria are made as nodes at the annotation's place, so that they are
 * checked as those that are written. */
#include "compiler/resources/criteria_annotation.h"

#include "compiler/yaml/fault_codes.h"
#include "compiler/yaml/node_make.h"
#include "compiler/yaml/options.h"

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
