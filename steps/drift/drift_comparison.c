/* drift_comparison.c: see drift_comparison.h. */
#include "steps/drift/drift_comparison.h"

#include <math.h>

#include "base/hash.h"
#include "base/number/duration.h"
#include "base/number/number.h"
#include "message/columns.h"
#include "methods/drift/mistyped.h"
#include "methods/drift/past_texts.h"
#include "methods/drift/projection.h"
#include "steps/drift/drift_reference.h"
#include "steps/drift/drift_remarks.h"
#include "steps/drift/drift_texts.h"

#define NS_IN_MS 1000000
#define MS_BETWEEN_ALARMS_LEAST 60000

/* ---- options ---- */

/* `1 per 30d`, or `0.5 per 1000` messages. */
static bool rate_read(struct text text, struct monitor_rate *rate)
{
	static const char per[] = " per ";
	const char *between = memmem(text.bytes, text.length, per, strlen(per));
	if (!between)
		return false;
	const char *behind = between + strlen(per);
	const struct text extent = {behind, text.length - (size_t)(behind - text.bytes)};
	int64_t duration_ns;
	*rate = (struct monitor_rate){0};
	if (!number_read_double((struct text){text.bytes, (size_t)(between - text.bytes)}, &rate->alarms) || !(rate->alarms >= 0))
		return false;
	if (number_read_int64(extent, &rate->rows))
		return rate->rows > 0;
	if (duration_read(extent, &duration_ns))
		return false;
	rate->duration_ms = duration_ns / NS_IN_MS;
	return rate->duration_ms > 0;
}

static bool rate_check(const struct drift *options, struct monitor_rate *rate, struct error *error)
{
	const struct place here = options->false_alarms_here;
	const char *text = options->false_alarms;
	double number;
	const bool good = rate_read(text_of(text), rate);
	if ((good && rate->alarms == 0) || (number_read_double(text_of(text), &number) && number == 0))
		return error_set(error, ERROR_CONFIG, here,
				 "`falseAlarms` is `%s`, and a test that is never wrong finds nothing; write a small rate, such as "
				 "`1 per 365d`",
				 text);
	if (!good)
		return error_set(error, ERROR_CONFIG, here,
				 "`falseAlarms` is `%s`; write how many in how long, or of how many messages: `1 per 30d`, `0.5 "
				 "per 1000`",
				 text);
	if (rate->duration_ms > 0 && rate->alarms * MS_BETWEEN_ALARMS_LEAST > (double)rate->duration_ms)
		return error_set(error, ERROR_CONFIG, here,
				 "`falseAlarms` is `%s`, more than one a minute, which nobody can follow; write fewer, such as "
				 "`1 per 30d`",
				 text);
	return rate->rows == 0 || rate->alarms < (double)rate->rows ||
	       error_set(error, ERROR_CONFIG, here,
			 "`falseAlarms` is `%s`, one for each message or more; write fewer, such as `0.5 per 1000`", text);
}

unsigned drift_method_number(const struct drift_method *method)
{
	unsigned number = 0;
	while (number < MONITOR_METHODS && strcmp(monitor_method_names[number], method->name.text) != 0)
		number++;
	return number;
}

static bool method_is_auto(const struct drift_method *method)
{
	return strcmp(method->name.text, "auto") == 0;
}

/* `auto` is a choice of methods of its own. */
static bool methods_read(const struct drift *options, unsigned *methods, struct error *error)
{
	const struct drift_method *items = options->methods.items;
	*methods = 0;
	for (size_t i = 0; i < options->methods.count; i++) {
		if (!method_is_auto(&items[i]))
			*methods |= 1U << drift_method_number(&items[i]);
		else if (options->methods.count > 1)
			return error_set(error, ERROR_CONFIG, items[i].name.place,
					 "`auto` stands beside other methods; write it alone, or name all methods");
	}
	return true;
}

bool drift_settings_read(const struct drift *options, struct monitor_settings *settings, struct error *error)
{
	*settings = (struct monitor_settings){.window_rows = options->window.count,
					      .window_ms = options->window.duration_ns / NS_IN_MS,
					      .effect = options->effect,
					      .share = options->share,
					      .segmented = options->group != NULL};
	if (!rate_check(options, &settings->rate, error))
		return false;
	if (!(options->share > 0))
		return error_set(error, ERROR_CONFIG, options->share_place,
				 "`share` is 0, so no message is watched; write a share above 0, such as `10%%`, or leave the step "
				 "out");
	if (!methods_read(options, &settings->methods, error))
		return false;
	settings->set_count = options->joint.count;
	settings->sets = options->joint.items;
	if (monitor_settings_check(settings, error))
		return true;
	error->place = options->window_here;
	return false;
}

/* ---- opening ---- */

bool drift_reference_load(const struct step *step, struct arena *arena, struct drift_reference *reference, struct text *content,
			  struct error *error)
{
	const struct drift *options = step->options;
	if (options->reference.past_ns)
		return error_set(error, ERROR_CONFIG, options->reference.here,
				 "the past of a stream is known where its pipeline runs; learn a file by `sluice fit drift`, and "
				 "name it here");
	if (!options->reference.file.text)
		return error_set(error, ERROR_CONFIG, options->reference.here,
				 "the reference is learnt from topic %s where its pipeline runs; learn a file by `sluice fit drift "
				 "topic:%s`, and name it here",
				 options->reference.topic, options->reference.topic);
	return step_file(step, &options->reference.file, NULL, content, error) &&
	       drift_reference_read(&options->reference.file, *content, arena, reference, error);
}

bool drift_comparison_begin(struct drift_comparison *comparison, const struct step *step, struct error *error)
{
	*comparison = (struct drift_comparison){.step = step, .arena = step->arena};
	const bool good = drift_settings_read(step->options, &comparison->settings, error);
	comparison->settings.clock_is_told = step_is_observer(step); /* by rows of all partitions (methods/drift/watermarks.h) */
	return good;
}

static bool monitor_make(struct drift_comparison *comparison, struct error *error)
{
	const struct step *step = comparison->step;
	comparison->monitor = monitor_open(step->arena, &comparison->reference, &comparison->settings, error);
	if (!comparison->monitor) {
		if (!error->place.line)
			error->place = ((const struct drift *)step->options)->reference.here;
		return false;
	}
	comparison->unjudged = drift_reference_unjudged(&comparison->reference);
	comparison->places = ARENA_ARRAY(step->arena, size_t, comparison->reference.feature_count);
	return comparison->places || error_memory(error, ERROR_SYSTEM, "comparing messages");
}

bool drift_comparison_learn(struct drift_comparison *comparison, struct text content, struct error *error)
{
	const struct drift *options = comparison->step->options;
	const char *topic = options->reference.topic;
	const struct name name = {.text = topic ? topic : "the past of the stream", .place = options->reference.here};
	if (!drift_reference_read(&name, content, comparison->step->arena, &comparison->reference, error))
		return false;
	comparison->content = content;
	return monitor_make(comparison, error);
}

bool drift_comparison_open(struct drift_comparison *comparison, const struct step *step, struct error *error)
{
	return drift_comparison_begin(comparison, step, error) &&
	       drift_reference_load(step, step->arena, &comparison->reference, &comparison->content, error) &&
	       monitor_make(comparison, error);
}

/* ---- messages ---- */

/* Whether a feature is a column of the tensor, or a direction, and not all of it. */
static bool is_column_of(const struct drift_reference *reference, size_t feature, struct text tensor)
{
	return reference->features[feature].name.length > tensor.length && projection_feature_is_of(reference, feature, tensor);
}

/* Whether the column of a message is that feature though its name is another: messages whose columns have no names have them
 * in the order of the reference. */
static bool is_nameless(const struct drift_reference *reference, size_t feature, const struct drift_column *column)
{
	size_t columns = 0, before = 0;
	if (!column->nameless || reference->features[feature].width > 0 || !is_column_of(reference, feature, column->tensor))
		return false;
	for (size_t i = 0; i < reference->feature_count; i++) {
		const bool is = is_column_of(reference, i, column->tensor);
		columns += is;
		before += is && i < feature;
	}
	return columns == column->columns && before == column->column;
}

/* The column of the messages that a feature is; the count of columns: none fits. */
static size_t column_find(const struct drift_comparison *comparison, size_t feature)
{
	const struct drift_layout *layout = &comparison->layout;
	const struct drift_feature *from = &comparison->reference.features[feature];
	size_t at = 0;
	while (at < layout->count &&
	       (drift_column_width(&layout->columns[at]) != from->width || !text_is(from->name, layout->columns[at].name)))
		at++;
	for (size_t i = 0; at == layout->count && i < layout->count; i++)
		if (is_nameless(&comparison->reference, feature, &layout->columns[i]))
			at = i;
	if (at < layout->count)
		return layout->columns[at].texts == from->categories ? at : layout->count;
	const size_t texts = drift_feature_of_lengths(&comparison->reference, feature);
	return texts < feature ? comparison->places[texts] : layout->count;
}

/* The tensor of texts, or of numbers, that a feature is of; NULL: there is none. */
static const struct tensor *tensor_of(const struct drift_reference *reference, size_t feature, bool texts,
				      const struct payload *payload)
{
	for (size_t i = 0; i < payload->tensors.count; i++) {
		const struct tensor *tensor = payload->tensors.items[i];
		if ((tensor->datatype == DATATYPE_BYTES) == texts && projection_feature_is_of(reference, feature, tensor->name))
			return tensor;
	}
	return NULL;
}

static bool feature_refuse(const struct drift_comparison *comparison, size_t at, const struct payload *payload, struct error *error)
{
	const struct drift_feature *feature = &comparison->reference.features[at];
	const struct tensor *tensor = tensor_of(&comparison->reference, at, feature->categories, payload);
	struct row_shape shape;
	if (feature->width > 0 && tensor && row_shape_of(tensor, false, &shape))
		return error_set(error, ERROR_CONFIG, comparison->step->place,
				 "the reference has %zu columns of `" TEXT_FORMAT "`, and the messages have %zu; learn it again",
				 feature->width, TEXT_ARGUMENTS(tensor->name), shape.columns);
	return error_set(error, ERROR_CONFIG, comparison->step->place,
			 "the reference has `" TEXT_FORMAT "` of %s, and the messages have no such feature; learn the "
			 "reference again",
			 TEXT_ARGUMENTS(feature->name), feature->categories ? "texts" : "numbers");
}

/* Where the features of the reference are among those of the messages. INPUT, with `texts`: one is there, as texts. */
static bool places_find(struct drift_comparison *comparison, const struct payload *payload, const struct tensor **texts,
			struct error *error)
{
	for (size_t i = 0; i < comparison->reference.feature_count; i++) {
		const struct drift_feature *feature = &comparison->reference.features[i];
		comparison->places[i] = column_find(comparison, i);
		if (comparison->places[i] == comparison->layout.count && !feature->categories &&
		    (*texts = tensor_of(&comparison->reference, i, true, payload)))
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "`" TEXT_FORMAT "` has numbers in the reference, and texts here; send it as numbers",
					 TEXT_ARGUMENTS(feature->name));
		if (comparison->places[i] == comparison->layout.count)
			return feature_refuse(comparison, i, payload, error);
	}
	return true;
}

/* Lists the columns of the layout that are of no feature of the reference. */
static bool lacking_list(struct drift_comparison *comparison)
{
	comparison->lacking_count = 0;
	comparison->lacking = ARENA_ARRAY(comparison->arena, struct text, comparison->layout.count);
	for (size_t i = 0; comparison->lacking && i < comparison->layout.count; i++) {
		size_t feature = 0;
		while (feature < comparison->reference.feature_count && comparison->places[feature] != i)
			feature++;
		if (feature == comparison->reference.feature_count)
			comparison->lacking[comparison->lacking_count++] = text_of(comparison->layout.columns[i].name);
	}
	return comparison->lacking;
}

/* Leaves the columns of the reference's features in the layout, in their order: other tensors need not come. */
static bool layout_reduce(struct drift_comparison *comparison)
{
	const size_t count = comparison->reference.feature_count;
	struct drift_column *columns = ARENA_ARRAY(comparison->arena, struct drift_column, count);
	for (size_t i = 0; columns && i < count; i++) {
		columns[i] = comparison->layout.columns[comparison->places[i]];
		comparison->places[i] = i;
	}
	comparison->layout = (struct drift_layout){count, columns};
	return columns;
}

/* Learns how messages are laid out from the first that has all features of the reference. Others leave nothing in the step's
 * arena. */
static bool layout_learn(struct drift_comparison *comparison, const struct payload *payload, struct arena *arena,
			 const struct tensor **texts, struct error *error)
{
	const struct drift *options = comparison->step->options;
	if (drift_layout_make(&comparison->layout, payload, &options->tensors, arena, error) &&
	    places_find(comparison, payload, texts, error) &&
	    drift_layout_make(&comparison->layout, payload, &options->tensors, comparison->arena, error)) {
		if (lacking_list(comparison) && layout_reduce(comparison))
			return true;
		error_memory(error, ERROR_SYSTEM, "comparing messages");
	}
	comparison->layout = (struct drift_layout){0};
	return false;
}

/* How many columns the tensor of a feature has, as the reference has its features. */
static size_t columns_guess(const struct drift_reference *reference, struct text tensor)
{
	size_t columns = 0;
	for (size_t i = 0; i < reference->feature_count; i++)
		columns += is_column_of(reference, i, tensor);
	return columns > 0 ? columns : 1;
}

/* The column of a feature that the message lacks, or has in another type. CONFIG: its tensor is there, without that column. */
static bool column_guess(const struct drift_comparison *comparison, size_t at, const struct payload *payload,
			 struct drift_column *column, struct error *error)
{
	const struct drift_reference *reference = &comparison->reference;
	const struct drift_feature *feature = &reference->features[at];
	const struct tensor *other = tensor_of(reference, at, !feature->categories, payload);
	*column = (struct drift_column){.name = "",
					.tensor = other ? other->name : feature->name,
					.columns = other ? columns_guess(reference, other->name) : 1,
					.texts = feature->categories};
	return other || !tensor_of(reference, at, feature->categories, payload) || feature_refuse(comparison, at, payload, error);
}

/* How a message is laid out that is not whole, before one has come that is. It is the layout of that message alone. */
static bool layout_guess(struct drift_comparison *comparison, const struct payload *payload, struct arena *arena,
			 struct error *error)
{
	const struct drift *options = comparison->step->options;
	const struct drift_reference *reference = &comparison->reference;
	struct drift_column *columns = ARENA_ARRAY(arena, struct drift_column, reference->feature_count);
	if (!columns)
		return error_memory(error, ERROR_SYSTEM, "comparing messages");
	if (!drift_layout_of_present(&comparison->layout, payload, &options->tensors, arena, error))
		return false;
	for (size_t i = 0; i < reference->feature_count; i++) {
		const size_t texts = drift_feature_of_lengths(reference, i);
		comparison->places[i] = column_find(comparison, i);
		if (comparison->places[i] < comparison->layout.count)
			columns[i] = comparison->layout.columns[comparison->places[i]];
		else if (texts < i)
			columns[i] = columns[texts];
		else if (!column_guess(comparison, i, payload, &columns[i], error))
			return false;
	}
	comparison->layout = (struct drift_layout){reference->feature_count, columns};
	for (size_t i = 0; i < reference->feature_count; i++)
		comparison->places[i] = i;
	return true;
}

/* Notes a text of a stream whose past is kept; its fingerprint. */
static double text_note(struct past_texts *came, struct text text)
{
	const double fingerprint = drift_text_fingerprint(text);
	past_texts_note(came, fingerprint, text);
	return fingerprint;
}

/* What the monitor gets of a cell: a text that is empty is missing. */
static double cell_value(const struct drift_comparison *comparison, size_t feature, const struct drift_cell *cell)
{
	if (!comparison->layout.columns[comparison->places[feature]].texts || mistyped_is(cell->number))
		return cell->number;
	if (cell->text.length == 0)
		return (double)NAN;
	if (!comparison->reference.features[feature].categories)
		return (double)text_characters(cell->text);
	return comparison->came ? text_note(comparison->came[feature], cell->text)
				: monitor_category(comparison->monitor, feature, cell->text);
}

static bool values_make(const struct drift_comparison *comparison, const struct drift_cell *cells, size_t count,
			struct arena *arena, const double **rows, struct error *error)
{
	const size_t width = comparison->reference.feature_count, columns = comparison->layout.count;
	double *made = ARENA_ARRAY(arena, double, count *width);
	if (!made)
		return error_memory(error, ERROR_LIMIT, "comparing messages");
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < width; j++)
			made[i * width + j] = cell_value(comparison, j, &cells[i * columns + comparison->places[j]]);
	*rows = made;
	return true;
}

/* The rows of a message that is not whole, by a layout of its own. */
static bool rows_guess(struct drift_comparison *comparison, const struct payload *payload, struct arena *arena, const double **rows,
		       size_t *count, struct error *error)
{
	const struct drift_cell *cells;
	const bool good = layout_guess(comparison, payload, arena, error) &&
			  drift_rows_read_some(&comparison->layout, payload, arena, &cells, count, &comparison->whole, error) &&
			  values_make(comparison, cells, *count, arena, rows, error);
	comparison->layout = (struct drift_layout){0};
	comparison->whole = false;
	return good;
}

static bool is_misfit(const struct error *error)
{
	return error->kind != ERROR_SYSTEM && error->kind != ERROR_LIMIT;
}

bool drift_comparison_rows(struct drift_comparison *comparison, const struct payload *payload, struct arena *arena,
			   const double **rows, size_t *count, const struct tensor **texts, struct error *error)
{
	const struct drift_cell *cells;
	*texts = NULL;
	comparison->whole = true;
	if (comparison->layout.count == 0 && !layout_learn(comparison, payload, arena, texts, error)) {
		struct error guess = {0};
		if (!comparison->lenient || (comparison->complete && !*texts) || !is_misfit(error))
			return false;
		const bool good = rows_guess(comparison, payload, arena, rows, count, &guess);
		if (good || !is_misfit(&guess))
			*error = guess;
		return good;
	}
	if (!(comparison->lenient
		      ? drift_rows_read_some(&comparison->layout, payload, arena, &cells, count, &comparison->whole, error)
		      : drift_rows_read(&comparison->layout, payload, arena, &cells, count, texts, error)))
		return false;
	return values_make(comparison, cells, *count, arena, rows, error);
}

/* The feature that is the whole tensor; NULL: none is. */
static const struct drift_feature *feature_of(const struct drift_reference *reference, struct text tensor)
{
	for (size_t i = 0; i < reference->feature_count; i++)
		if (text_equal(reference->features[i].name, tensor))
			return &reference->features[i];
	return NULL;
}

bool drift_comparison_retype(const struct drift_comparison *comparison, const struct fit_source *source, struct payload *payload,
			     struct arena *arena, struct error *error)
{
	struct tensors_builder list;
	if (!source->retype)
		return true;
	tensors_begin(&list, arena, payload->tensors.count);
	for (size_t i = 0; i < payload->tensors.count; i++) {
		const struct tensor *tensor = payload->tensors.items[i];
		const struct drift_feature *feature = feature_of(&comparison->reference, tensor->name);
		if (feature && (tensor->datatype == DATATYPE_BYTES) != feature->categories)
			tensor = source->retype(source->context, tensor, feature->categories, arena);
		if (!tensor)
			break;
		tensors_add(&list, tensor);
	}
	payload->tensors = tensors_end(&list);
	return !arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "comparing messages");
}

/* ---- the identity of what is compared ---- */

bool drift_identity(const struct step *step, uint64_t *identity, struct error *error)
{
	const struct drift *options = step->options;
	const struct step_reference *reference = &options->reference;
	struct monitor_settings settings;
	struct text content = TEXT("");
	if (!drift_settings_read(options, &settings, error) ||
	    (reference->file.text && !step_file(step, &reference->file, NULL, &content, error)))
		return false;
	const int64_t numbers[] = {settings.window_rows, settings.window_ms, reference->past_ns};
	*identity = hash_text_next(content, hash_bytes(numbers, sizeof numbers, 0));
	for (size_t i = 0; reference->past_ns && i < options->tensors.count; i++) /* a file names its features */
		*identity = hash_text_next(text_of(options->tensors.items[i].text), *identity);
	*identity = hash_text_next(text_of(reference->topic ? reference->topic : ""), *identity);
	*identity = hash_text_next(options->group ? expression_source(options->group) : TEXT(""), *identity);
	return true;
}
