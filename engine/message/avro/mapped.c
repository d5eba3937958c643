/* mapped.c: Compiler of a mapping, and conversion of the values found by the walk to tensors; see mapped.h. */
#include "message/avro/mapped.h"

#include <math.h>

#include "base/number/duration.h"
#include "base/number/moment.h"
#include "message/avro/avro_writers.h"
#include "message/avro/mapped_walk.h"

/* `pad` or `default`: what the user wrote, text or the text of a number. */
struct filler {
	bool given;
	struct cell cell;
};

struct mapped {
	struct mapped_tensor as_written; /* texts and shape copied */
	const struct map_path **paths;
	struct filler pad;
	struct filler fallback;
	struct parameters parameters;
};

#define TIME_SECONDS_MAX 9e15 /* 285 million years, in which milliseconds fit 64 bits */
#define TIME_ROUNDING_MS 1e-3 /* a double of seconds in these centuries is exact to a microsecond: 0.25 s is not to be 249 ms */

struct mapping {
	struct map_node root;
	size_t count;
	struct mapped *tensors;
	size_t path_count, node_count;
	const struct map_path *key;
	const struct map_path *time;
	enum time_unit time_unit;
};

/* ---- compiling ---- */

static bool no_memory(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "reading a mapping");
}

static bool copy_text(struct arena *arena, struct text *text, struct error *error)
{
	if (!text->bytes)
		return true;
	text->bytes = arena_copy(arena, text->bytes, text->length);
	return text->bytes || no_memory(error);
}

static bool compile_filler(struct arena *arena, struct filler *filler, const struct mapped_tensor *tensor, struct text text,
			   const char *what, struct error *error)
{
	union {
		double number;
		struct text text;
	} element;
	if (!text.bytes)
		return true;
	filler->given = true;
	filler->cell.kind = CELL_TEXT;
	filler->cell.value.text = text;
	if (!copy_text(arena, &filler->cell.value.text, error))
		return false;
	if (tensor->has_datatype && !cell_store(&filler->cell, tensor->datatype, &element, 0, arena))
		return error_set(error, ERROR_CONFIG, tensor->place,
				 "`%s` of the tensor " TEXT_FORMAT " is `" TEXT_FORMAT "`, which is no %s", what,
				 TEXT_ARGUMENTS(tensor->name), TEXT_ARGUMENTS(text), datatype_rows[tensor->datatype].name);
	return true;
}

bool mapped_columns(struct arena *arena, const struct text *paths, size_t count, struct parameters *parameters)
{
	struct parameter *parameter = ARENA_NEW(arena, struct parameter);
	const char *joined = "";
	for (size_t i = 0; joined && i < count; i++) {
		struct text last = path_last_part(paths[i]);
		joined = arena_print(arena, "%s%s" TEXT_FORMAT, joined, i ? "," : "", TEXT_ARGUMENTS(last));
	}
	if (!parameter || !joined)
		return false;
	*parameter = (struct parameter){.name = TEXT(MAPPED_COLUMNS), .type = PARAMETER_TEXT, .value.text = text_of(joined)};
	*parameters = (struct parameters){1, parameter};
	return true;
}

static bool check_shape(const struct mapped_tensor *tensor, struct error *error)
{
	struct error fault = {0};
	size_t count;
	if (!tensor->has_shape)
		return true;
	if (!shape_count(tensor->name, tensor->shape, tensor->rank, &count, &fault))
		return error_set(error, ERROR_CONFIG, tensor->place, "%s", fault.text);
	if (tensor->columns && count != tensor->path_count)
		return error_set(error, ERROR_CONFIG, tensor->place,
				 "the tensor " TEXT_FORMAT " has %zu paths, and a shape of %zu elements; leave the shape out",
				 TEXT_ARGUMENTS(tensor->name), tensor->path_count, count);
	return true;
}

static bool compile_tensor(struct arena *arena, struct mapping *mapping, struct mapped *mapped, const struct mapped_tensor *tensor,
			   struct error *error)
{
	mapped->as_written = *tensor;
	mapped->paths = ARENA_ARRAY(arena, const struct map_path *, tensor->path_count);
	int64_t *shape = ARENA_ARRAY(arena, int64_t, tensor->rank);
	if (!mapped->paths || !shape)
		return no_memory(error);
	if (tensor->path_count == 0)
		return error_set(error, ERROR_CONFIG, tensor->place,
				 "the tensor " TEXT_FORMAT " has no path; write the path of its value",
				 TEXT_ARGUMENTS(tensor->name));
	if (!check_shape(tensor, error) || !copy_text(arena, &mapped->as_written.name, error))
		return false;
	for (size_t i = 0; i < tensor->rank; i++)
		shape[i] = tensor->shape[i];
	mapped->as_written.shape = shape;
	for (size_t i = 0; i < tensor->path_count; i++) {
		mapped->paths[i] = path_add(&mapping->root, tensor->paths[i], mapping->path_count++, arena, tensor->place, error);
		if (!mapped->paths[i])
			return false;
		if (tensor->columns && mapped->paths[i]->starred)
			return error_set(error, ERROR_CONFIG, tensor->place,
					 "the path `" TEXT_FORMAT "` is a column, and [*] gives many; give it a tensor",
					 TEXT_ARGUMENTS(tensor->paths[i]));
	}
	return compile_filler(arena, &mapped->pad, tensor, tensor->pad, "pad", error) &&
	       compile_filler(arena, &mapped->fallback, tensor, tensor->fallback, "default", error) &&
	       (!tensor->columns || mapped_columns(arena, tensor->paths, tensor->path_count, &mapped->parameters) ||
		no_memory(error));
}

static bool compile_single(struct arena *arena, struct mapping *mapping, struct text text, const struct map_path **path,
			   const struct mapped_input *input, struct error *error)
{
	if (!text.bytes)
		return true;
	*path = path_add(&mapping->root, text, mapping->path_count++, arena, input->place, error);
	if (!*path)
		return false;
	return !(*path)->starred ||
	       error_set(error, ERROR_CONFIG, input->place,
			 "the path `" TEXT_FORMAT "` gives many values, and one is wanted; name an item, as in a[0]",
			 TEXT_ARGUMENTS(text));
}

const struct mapping *mapping_compile(struct arena *arena, const struct mapped_input *input, struct error *error)
{
	struct mapping *mapping = ARENA_NEW(arena, struct mapping);
	struct mapped *tensors = ARENA_ARRAY(arena, struct mapped, input->count);
	size_t paths = 2;
	if (!mapping || !tensors)
		return error_null(no_memory(error));
	mapping->count = input->count;
	mapping->tensors = tensors;
	mapping->time_unit = input->time_unit;
	for (size_t i = 0; i < input->count; i++)
		paths += input->tensors[i].path_count;
	if (paths > MAPPED_PATHS_MAX)
		return error_null(error_set(error, ERROR_CONFIG, input->place,
					    "`input.tensors` has %zu paths; at most %d are taken", paths, MAPPED_PATHS_MAX));
	for (size_t i = 0; i < input->count; i++)
		if (!compile_tensor(arena, mapping, &tensors[i], &input->tensors[i], error))
			return NULL;
	if (!compile_single(arena, mapping, input->key, &mapping->key, input, error) ||
	    !compile_single(arena, mapping, input->time, &mapping->time, input, error))
		return NULL;
	mapping->node_count = nodes_number(&mapping->root, 0);
	return mapping;
}

/* ---- making tensors ---- */

struct mapped_making {
	const struct mapping *mapping;
	struct arena *arena;
	const struct found *found;
	avro_schema_t schema; /* of an Avro event; NULL: JSON */
	struct error *error;
};

static bool mapped_absent(const struct mapped_making *making, const struct map_path *path, struct text tensor)
{
	return error_set(making->error, ERROR_INPUT, PLACE_NONE,
			 "the event has nothing at `" TEXT_FORMAT "` for " TEXT_FORMAT "; send it, or give it a default",
			 TEXT_ARGUMENTS(path->text),
			 TEXT_ARGUMENTS(tensor));
}

static bool store(const struct mapped_making *making, const struct mapped *mapped, const struct map_path *path,
		  struct tensor *tensor, void *elements, size_t index, const struct cell *cell)
{
	if (cell->kind == CELL_NOTHING && !mapped->fallback.given)
		return mapped_absent(making, path, tensor->name);
	const struct cell *used = cell->kind == CELL_NOTHING ? &mapped->fallback.cell : cell;
	if (cell_store(used, tensor->datatype, elements, index, making->arena))
		return true;
	if (arena_failed(making->arena))
		return error_memory(making->error, ERROR_LIMIT, "mapping an event");
	return error_set(making->error, ERROR_INPUT, PLACE_NONE,
			 "the event has %s at `" TEXT_FORMAT "`, and " TEXT_FORMAT " needs %s; send one, or name another datatype",
			 cell_shown(used, making->arena), TEXT_ARGUMENTS(path->text), TEXT_ARGUMENTS(tensor->name),
			 datatype_rows[tensor->datatype].name);
}

static enum datatype datatype_for(const struct mapped_making *making, const struct mapped *mapped)
{
	enum datatype datatype = DATATYPE_FP64;
	if (mapped->as_written.has_datatype)
		return mapped->as_written.datatype;
	for (size_t i = 0; making->schema && i < mapped->as_written.path_count; i++)
		if (mapped_avro_datatype(making->schema, &making->mapping->root, mapped->paths[i], &datatype))
			break;
	return datatype;
}

/* A value alone, as a column or a whole tensor. */
static bool store_single(const struct mapped_making *making, const struct mapped *mapped, const struct map_path *path,
			 struct tensor *tensor, void *elements, size_t index)
{
	const struct cell nothing = {.kind = CELL_NOTHING};
	const struct found *found = &making->found[path->number];
	if (found->listed)
		return error_set(making->error, ERROR_INPUT, PLACE_NONE,
				 "there is a list at `" TEXT_FORMAT "` of the event, and " TEXT_FORMAT
				 " needs one value; give it a shape, or write [*]",
				 TEXT_ARGUMENTS(path->text), TEXT_ARGUMENTS(tensor->name));
	return store(making, mapped, path, tensor, elements, index, found->count ? found->cells : &nothing);
}

static bool wrong_count(const struct mapped_making *making, const struct map_path *path, const struct tensor *tensor, size_t count)
{
	return error_set(making->error, ERROR_INPUT, PLACE_NONE,
			 "the event has %zu values at `" TEXT_FORMAT "`, and " TEXT_FORMAT " needs %zu; send as many, or give it a "
			                                                                   "pad", count,
			 TEXT_ARGUMENTS(path->text), TEXT_ARGUMENTS(tensor->name), tensor->count);
}

/* The values of a list, cut or filled up to the shape. */
static bool store_list(const struct mapped_making *making, const struct mapped *mapped, const struct map_path *path,
		       struct tensor *tensor, void *elements)
{
	const struct cell nothing = {.kind = CELL_NOTHING};
	const struct found *found = &making->found[path->number];
	bool there = found->listed || found->count;
	if (there && found->count != tensor->count && !mapped->pad.given)
		return wrong_count(making, path, tensor, found->count);
	for (size_t i = 0; i < tensor->count; i++) {
		const struct cell *cell = !there ? &nothing : i < found->count ? &found->cells[i] : &mapped->pad.cell;
		if (!store(making, mapped, path, tensor, elements, i, cell))
			return false;
	}
	return there || tensor->count || mapped_absent(making, path, tensor->name);
}

/* How many values a path has that the shape does not count: absent, its default is
 * one. */
static int64_t free_length(const struct mapped_making *making, const struct mapped *mapped, const struct map_path *path)
{
	const struct found *found = &making->found[path->number];
	return found->listed || !mapped->fallback.given ? (int64_t)found->count : 1;
}

static const struct tensor *make_tensor(const struct mapped_making *making, const struct mapped *mapped)
{
	const struct mapped_tensor *written = &mapped->as_written;
	const struct map_path *first = mapped->paths[0];
	bool list = !written->columns && (written->has_shape || first->starred);
	const int64_t columns[] = {1, (int64_t)written->path_count};
	const int64_t one[] = {1};
	const int64_t many[] = {free_length(making, mapped, first)};
	const int64_t *shape = written->has_shape ? written->shape : written->columns ? columns : list ? many : one;
	size_t rank = written->has_shape ? written->rank : written->columns ? 2 : 1;
	void *elements;
	struct tensor *tensor = tensor_make(making->arena, written->name, datatype_for(making, mapped), shape, rank, &elements,
					    making->error);
	if (!tensor)
		return NULL;
	tensor->parameters = mapped->parameters;
	if (list)
		return store_list(making, mapped, first, tensor, elements) ? tensor : NULL;
	for (size_t i = 0; i < written->path_count; i++)
		if (!store_single(making, mapped, mapped->paths[i], tensor, elements, i))
			return NULL;
	return tensor;
}

/* The one value of a path that is key or time. */
static const struct cell *single_of(const struct mapped_making *making, const struct map_path *path, const char *what)
{
	const struct found *found = &making->found[path->number];
	if (!found->listed && found->count && found->cells[found->count - 1].kind != CELL_NOTHING)
		return &found->cells[found->count - 1];
	return error_null(mapped_absent(making, path, text_of(what)));
}

static bool set_key(const struct mapped_making *making, struct message *message)
{
	const struct cell *cell = single_of(making, making->mapping->key, "the key");
	return cell && (cell_text(cell, making->arena, &message->key) ||
			error_memory(making->error, ERROR_LIMIT, "mapping an event"));
}

/* Of seconds there may be fractions; what is less than a millisecond is left out. */
static bool time_read(const struct cell *cell, enum time_unit unit, struct arena *arena, int64_t *ms)
{
	struct text text;
	int64_t whole;
	double seconds;
	if (unit == TIME_ISO8601)
		return cell->kind == CELL_TEXT && cell_text(cell, arena, &text) && moment_read(text, ms);
	if (cell_store(cell, DATATYPE_INT64, &whole, 0, arena)) {
		if (unit == TIME_US)
			*ms = whole / US_PER_MS - (whole % US_PER_MS < 0);
		else
			*ms = whole;
		return unit != TIME_S || !__builtin_mul_overflow(whole, MS_PER_S, ms);
	}
	if (unit != TIME_S || !cell_store(cell, DATATYPE_FP64, &seconds, 0, arena) || !(fabs(seconds) < TIME_SECONDS_MAX))
		return false;
	*ms = (int64_t)floor(seconds * MS_PER_S + TIME_ROUNDING_MS);
	return true;
}

/* `what` has the time: "the event". */
static bool time_store(const struct mapping *mapping, const struct cell *cell, const char *what, struct arena *arena, int64_t *ms,
		       struct error *error)
{
	static const char *const units[] = {
		[TIME_MS] = "a whole number of milliseconds since 1970",
		[TIME_S] = "a number of seconds since 1970",
		[TIME_US] = "a whole number of microseconds since 1970",
		[TIME_ISO8601] = "a text of ISO 8601, such as 2026-01-31T09:30:00Z",
	};
	return time_read(cell, mapping->time_unit, arena, ms) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "%s has %s at `" TEXT_FORMAT "`, and the time is %s; send that", what,
			 cell_shown(cell, arena), TEXT_ARGUMENTS(mapping->time->text), units[mapping->time_unit]);
}

static bool set_time(const struct mapped_making *making, struct message *message)
{
	const struct mapping *mapping = making->mapping;
	const struct cell *cell = single_of(making, mapping->time, "the time");
	return cell && time_store(mapping, cell, "the event", making->arena, &message->time_ms, making->error);
}

struct text mapping_time_path(const struct mapping *mapping)
{
	return mapping && mapping->time ? mapping->time->text : (struct text){0};
}

bool mapping_has_tensor(const struct mapping *mapping, struct text name)
{
	for (size_t i = 0; i < mapping->count; i++)
		if (text_equal(mapping->tensors[i].as_written.name, name))
			return true;
	return false;
}

bool mapping_makes_texts(const struct mapping *mapping, struct text name)
{
	for (size_t i = 0; mapping && i < mapping->count; i++) {
		const struct mapped_tensor *tensor = &mapping->tensors[i].as_written;
		if (text_equal(tensor->name, name))
			return tensor->has_datatype && tensor->datatype == DATATYPE_BYTES;
	}
	return false;
}

bool mapping_time_read(const struct mapping *mapping, struct text text, struct arena *arena, int64_t *ms, struct error *error)
{
	const struct cell cell = {.kind = CELL_TEXT, .value.text = text};
	return time_store(mapping, &cell, "the row", arena, ms, error);
}

static bool make_all(const struct mapped_making *making, struct message *message)
{
	const struct mapping *mapping = making->mapping;
	const struct tensor **items = arena_take_raw(making->arena, mapping->count * sizeof *items);
	if (!items)
		return error_memory(making->error, ERROR_LIMIT, "mapping an event");
	for (size_t i = 0; i < mapping->count; i++) {
		items[i] = make_tensor(making, &mapping->tensors[i]);
		if (!items[i])
			return false;
	}
	message->payload.tensors = (struct tensors){mapping->count, items};
	return (!mapping->key || set_key(making, message)) && (!mapping->time || set_time(making, message));
}

bool mapped_decode(struct message *message, const struct mapping *mapping, struct text bytes, const struct schema_source *schemas,
		   struct error *error)
{
	struct avro_name name;
	struct text body;
	struct found *found = ARENA_ARRAY(message->arena, struct found, mapping->path_count);
	uint64_t *seen = ARENA_ARRAY(message->arena, uint64_t, mapping->node_count);
	if (!found || !seen)
		return error_memory(error, ERROR_LIMIT, "mapping an event");
	struct mapped_gathering gathering = {.arena = message->arena, .found = found, .seen = seen, .error = error};
	struct mapped_making making = {.mapping = mapping, .arena = message->arena, .found = found, .error = error};
	bool is_avro = avro_framing(bytes, &name, &body);
	message->format = is_avro ? &format_avro : &format_oip_json;
	if (!is_avro)
		return mapped_walk_json(&gathering, &mapping->root, bytes) && make_all(&making, message);
	struct avro_writer *writer = avro_writer_find(schemas, name, error);
	if (!writer)
		return false;
	making.schema = writer->schema;
	bool good = mapped_walk_avro(&gathering, &mapping->root, writer->schema, body) && make_all(&making, message);
	avro_writer_return(schemas, writer);
	return good;
}
