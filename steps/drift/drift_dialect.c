/* drift_dialect.c: see drift_dialect.h. */
#include "steps/drift/drift_dialect.h"

#include <math.h>
#include <string.h>

#include "base/number/duration.h"
#include "base/number/number.h"

#define DAY_NS ((int64_t)86400 * 1000000000)
#define PAST_USUAL_NS (7 * DAY_NS)
#define WINDOW_USUAL 500 /* as the rows of a step `drift` have them */
#define FALSE_ALARMS_USUAL "1 per 30d"

static const char *value_of(const struct dialect_parameter *parameter)
{
	return parameter->value.text ? parameter->value.text : "";
}

static bool past_read(const struct dialect_parameter *parameter, struct drift *options, struct arena *arena, struct error *error)
{
	const char *why = duration_read(text_of(value_of(parameter)), &options->reference.past_ns);
	(void)arena;
	return !why || error_set(error, ERROR_CONFIG, parameter->value.place, "`reference_window` is `%s`, which %s",
				 value_of(parameter), why);
}

static bool threshold_read(const struct dialect_parameter *parameter, struct drift *options, struct arena *arena,
			   struct error *error)
{
	(void)arena;
	return (number_read_double(text_of(value_of(parameter)), &options->score_limit) && isfinite(options->score_limit) &&
		options->score_limit >= 0) ||
	       error_set(error, ERROR_CONFIG, parameter->value.place,
			 "`detection_threshold` is `%s`; write the drift_score above which it is drift, 0 or more",
			 value_of(parameter));
}

/* The name up to the next comma, without blanks around it. */
static struct text method_next(const char **at)
{
	const size_t length = strcspn(*at, ",");
	struct text name = {*at + strspn(*at, " "), 0};
	const char *end = *at + length;
	while (end > name.bytes && end[-1] == ' ')
		end--;
	name.length = end > name.bytes ? (size_t)(end - name.bytes) : 0;
	*at += length + ((*at)[length] == ',');
	return name;
}

/* Whether the name is written so, whatever its letters' case, and with `_` or a space for `-`. */
static bool is_spelt(struct text name, const char *method)
{
	bool same = name.length == strlen(method);
	for (size_t i = 0; same && i < name.length; i++) {
		const char written = name.bytes[i] == '_' || name.bytes[i] == ' ' ? '-' : (char)(name.bytes[i] | 0x20);
		same = written == method[i];
	}
	return same;
}

/* The method of numbers that is meant; NULL: none is. */
static const char *method_named(struct text name)
{
	static const struct {
		const char *other;
		enum monitor_method method;
	} others[] = {
		{"kolmogorov-smirnov", MONITOR_KS},
		{"ks-test", MONITOR_KS},
		{"population-stability-index", MONITOR_PSI},
		{"js", MONITOR_JENSEN_SHANNON},
		{"wasserstein-distance", MONITOR_WASSERSTEIN},
	};
	for (int method = 0; method < MONITOR_METHODS; method++)
		if (method != MONITOR_CHI_SQUARE && is_spelt(name, monitor_method_names[method]))
			return monitor_method_names[method];
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (is_spelt(name, others[i].other))
			return monitor_method_names[others[i].method];
	return NULL;
}

static bool methods_read(const struct dialect_parameter *parameter, struct drift *options, struct arena *arena, struct error *error)
{
	const char *at = value_of(parameter);
	struct drift_method *methods = ARENA_ARRAY(arena, struct drift_method, strlen(at) + 1);
	size_t count = 0;
	if (!methods)
		return error_memory(error, ERROR_SYSTEM, "reading `drift_methods`");
	do {
		const struct text name = method_next(&at);
		const char *method = method_named(name);
		if (!method)
			return error_set(error, ERROR_CONFIG, parameter->value.place,
					 "the method `" TEXT_FORMAT "` of `drift_methods` is not built in, and nothing offers the "
					 "model; choose from ks, psi, wasserstein, jensen-shannon, mmd, page-hinkley, cusum and "
					 "adwin, or name a server that has it",
					 TEXT_ARGUMENTS(name));
		methods[count++].name = (struct name){method, parameter->value.place};
	} while (*at);
	options->methods = (struct item_list){count, methods};
	return true;
}

static const struct drift_parameter_row {
	const char *name;
	bool (*read)(const struct dialect_parameter *parameter, struct drift *options, struct arena *arena, struct error *error);
} drift_parameter_rows[] = {
	{"reference_window", past_read},
	{"detection_threshold", threshold_read},
	{"drift_methods", methods_read},
};

static const struct drift_parameter_row *row_of(const struct dialect_parameter *parameter)
{
	for (size_t i = 0; parameter->name.text && i < sizeof drift_parameter_rows / sizeof *drift_parameter_rows; i++)
		if (strcmp(drift_parameter_rows[i].name, parameter->name.text) == 0)
			return &drift_parameter_rows[i];
	return NULL;
}

const struct drift *drift_options_of(const struct dialect_parameter *parameters, size_t count, struct place place,
				     struct arena *arena, struct name *ignored, struct error *error)
{
	struct drift *options = ARENA_NEW(arena, struct drift);
	struct name other = {0};
	bool meant = false;
	if (!options)
		return NULL;
	*options = (struct drift){.reference = {.here = place, .past_ns = PAST_USUAL_NS},
				  .window = {.count = WINDOW_USUAL},
				  .window_here = place,
				  .false_alarms = FALSE_ALARMS_USUAL,
				  .false_alarms_here = place,
				  .share = 1};
	for (size_t i = 0; i < count; i++) {
		const struct drift_parameter_row *row = row_of(&parameters[i]);
		meant = meant || row;
		if (!row && !other.text)
			other = parameters[i].name;
		if (row && !row->read(&parameters[i], options, arena, error))
			return NULL;
	}
	if (meant)
		*ignored = other;
	return meant ? options : NULL;
}
