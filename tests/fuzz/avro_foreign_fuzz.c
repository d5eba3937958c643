/* avro_foreign_fuzz.c: hostile records of schemas that are not ours: nothing crashes,
 * leaks, hangs or takes more memory than the bytes account for. A record of our own
 * schema under another name must give what our own reader gives. The first byte
 * chooses the schema.
 *
 * seeds: tests/data/avro/request*.body tests/data/avro/request*.bin
 */
#include <stdint.h>
#include <stdlib.h>

#include "message/avro/avro.h"
#include "message/avro/schemas.h"
#include "mutate.h"

#define ARENA_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const schemas[] = {
	/* Recursive, with every type there is, beside fields of ours. */
	"{\"type\":\"record\",\"name\":\"All\",\"fields\":[{\"name\":\"next\",\"type\":[\"null\",\"All\"]},"
	"{\"name\":\"id\",\"type\":[\"string\",\"null\"]},{\"name\":\"deadline_ms\",\"type\":\"int\"},"
	"{\"name\":\"n\",\"type\":{\"type\":\"array\",\"items\":\"null\"}},"
	"{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"All\"}},"
	"{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}},"
	"{\"name\":\"d\",\"type\":[\"double\",\"float\",\"boolean\"]},"
	"{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}},"
	"{\"name\":\"inputs\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"T\",\"fields\":["
	"{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"datatype\",\"type\":\"string\"},"
	"{\"name\":\"shape\",\"type\":{\"type\":\"array\",\"items\":\"int\"}},{\"name\":\"data\",\"type\":\"bytes\"}]}}}]}",
	"{\"type\":\"array\",\"items\":\"long\"}",
	"[\"null\",\"string\"]",
};

#define COUNT (sizeof schemas / sizeof *schemas)

static struct arena *arena;
static struct arena *other;
static char *renamed;

static const char *schema_of(void *context, uint32_t id, struct error *error)
{
	(void)context;
	(void)error;
	return id < COUNT ? schemas[id] : id == COUNT ? renamed : NULL;
}

static void set_up(void)
{
	arena = arena_open(ARENA_BYTES);
	other = arena_open(ARENA_BYTES);
	const char *json = schema_json("request");
	renamed = strdup(json);
	if (!renamed)
		abort();
	memcpy(strstr(renamed, "\"Request\""), "\"Theirs!\"", sizeof "\"Request\"" - 1);
	*strstr(renamed, "!") = 'x';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct schema_source source = {.by_id = schema_of};
	if (!arena)
		set_up();
	if (size == 0)
		return 0;
	static char framed[1 << 17];
	if (size + 4 > sizeof framed)
		return 0;
	memset(framed, 0, 5);
	framed[4] = (char)(data[0] % (COUNT + 1));
	memcpy(framed + 5, data + 1, size - 1);
	arena_reset(arena);
	arena_reset(other);
	struct error error = {0};
	struct error own_error = {0};
	struct message message = {.arena = arena};
	struct message own = {.arena = other};
	bool good = format_avro.decode(&message, (struct text){framed, size + 4}, &source, &error);
	if (!good && error.kind != ERROR_INPUT && error.kind != ERROR_LIMIT)
		abort();
	if ((size_t)framed[4] != COUNT)
		return 0;
	/* Ours is the looser on sized blocks, and the stricter on nothing. */
	bool own_good = avro_request_read(&own, (struct text){framed + 5, size - 1}, &own_error);
	if (good && !own_good)
		abort();
	if (good && (message.payload.tensors.count != own.payload.tensors.count || message.wanted.count != own.wanted.count ||
		     !text_equal(message.payload_id, own.payload_id) || message.deadline_ms != own.deadline_ms))
		abort();
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct dice dice = dice_of(seed);
	if (!arena)
		set_up();
	if (max < 2)
		return LLVMFuzzerMutate(data, size, max);
	if (size == 0 || dice_roll(&dice, 20) == 0)
		data[0] = (uint8_t)dice_roll(&dice, COUNT + 1);
	const size_t which = data[0] % (COUNT + 1);
	return 1 + mutate_avro(which < COUNT ? schemas[which] : renamed, data + 1, size > 0 ? size - 1 : 0, max - 1, seed);
}
