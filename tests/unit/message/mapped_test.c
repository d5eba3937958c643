/* mapped_test.c: fields of JSON and Avro events become tensors. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include "message/avro/mapped.h"
#include "tests/unit/arena_fixture.h"

#include <cmocka.h>

static struct mapped_tensor *one_path(const char *name, const char *path)
{
	struct mapped_tensor *tensor = ARENA_NEW(arena, struct mapped_tensor);
	struct text *text = ARENA_NEW(arena, struct text);
	*text = text_of(path);
	*tensor = (struct mapped_tensor){.name = text_of(name), .path_count = 1, .paths = text, .place = {"p.yaml", 3, 7}};
	return tensor;
}

static struct mapped_tensor *typed(struct mapped_tensor *tensor, enum datatype datatype)
{
	tensor->has_datatype = true;
	tensor->datatype = datatype;
	return tensor;
}

static struct mapped_tensor *shaped(struct mapped_tensor *tensor, int64_t length)
{
	int64_t *shape = ARENA_NEW(arena, int64_t);
	*shape = length;
	tensor->has_shape = true;
	tensor->rank = 1;
	tensor->shape = shape;
	return tensor;
}

static const struct mapping *mapping_of(const struct mapped_tensor *tensor)
{
	struct error error = {0};
	struct mapped_input input = {.count = 1, .tensors = tensor};
	const struct mapping *mapping = mapping_compile(arena, &input, &error);
	if (!mapping)
		fail_msg("%s", error.text);
	return mapping;
}

/* The one tensor of an event. */
static const struct tensor *mapped(const struct mapped_tensor *tensor, const char *event)
{
	struct error error = {0};
	struct message message = {.arena = arena};
	if (!mapped_decode(&message, mapping_of(tensor), text_of(event), NULL, &error))
		fail_msg("%s", error.text);
	assert_int_equal(message.payload.tensors.count, 1);
	assert_ptr_equal(message.format, &format_oip_json);
	return message.payload.tensors.items[0];
}

static void refused(const struct mapped_tensor *tensor, const char *event, const char *words)
{
	struct error error = {0};
	struct message message = {.arena = arena};
	assert_false(mapped_decode(&message, mapping_of(tensor), text_of(event), NULL, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	if (!strstr(error.text, words))
		fail_msg("%s", error.text);
}

static double number_at(const struct tensor *tensor, size_t index)
{
	assert_true(index < tensor->count);
	return tensor_number(tensor, index);
}

static void a_field_of_json_is_a_double_of_shape_one(void **state)
{
	(void)state;
	const struct tensor *price = mapped(one_path("price", "quote.mid"), "{\"quote\": {\"bid\": 1, \"mid\": 99.5}, \"mid\": 7}");
	assert_true(text_is(price->name, "price"));
	assert_int_equal(price->datatype, DATATYPE_FP64);
	assert_int_equal(price->rank, 1);
	assert_int_equal(price->shape[0], 1);
	assert_true(number_at(price, 0) == 99.5);
}

static void what_is_absent_takes_the_default_or_names_its_path(void **state)
{
	(void)state;
	struct mapped_tensor *side = typed(one_path("side", "order.side"), DATATYPE_BYTES);
	refused(side, "{}", "`order.side`");
	refused(side, "{\"order\": {\"side\": null}}", "`order.side`");
	refused(side, "{\"order\": 5}", "`order.side`");
	side->fallback = TEXT("buy");
	assert_true(text_is(*(const struct text *)mapped(side, "{}")->data, "buy"));
	assert_true(text_is(*(const struct text *)mapped(side, "{\"order\":{\"side\":null}}")->data, "buy"));
	assert_true(text_is(*(const struct text *)mapped(side, "{\"order\":{\"side\":\"s\\u00e9ll\"}}")->data, "s\xC3\xA9ll"));
}

static void a_list_is_filled_up_and_cut_to_its_shape(void **state)
{
	(void)state;
	struct mapped_tensor *book = shaped(typed(one_path("book", "bids[*].px"), DATATYPE_FP32), 3);
	book->pad = TEXT("NaN");
	const struct tensor *few = mapped(book, "{\"bids\": [{\"px\": 1, \"q\": 5}, {\"px\": 2}]}");
	assert_int_equal(few->datatype, DATATYPE_FP32);
	assert_true(number_at(few, 0) == 1 && number_at(few, 1) == 2 && isnan(number_at(few, 2)));
	const struct tensor *many = mapped(book, "{\"bids\": [{\"px\": 1}, {\"px\": 2}, {\"px\": 3}, {\"px\": 4}]}");
	assert_int_equal(many->count, 3);
	assert_true(number_at(many, 2) == 3);
	assert_true(isnan(number_at(mapped(book, "{\"bids\": []}"), 0)));
	refused(book, "{}", "`bids[*].px`");
	refused(book, "{\"bids\": [{\"px\": 1}, {\"q\": 2}]}", "`bids[*].px`");
}

static void without_a_pad_the_count_must_be_right(void **state)
{
	(void)state;
	struct mapped_tensor *pair = shaped(one_path("pair", "xy"), 2);
	assert_true(number_at(mapped(pair, "{\"xy\": [[1], [2]]}"), 1) == 2);
	refused(pair, "{\"xy\": [1]}", "1 values at `xy`");
	refused(pair, "{\"xy\": [1, 2, 3]}", "3 values at `xy`");
}

static void a_star_without_a_shape_gives_as_many_as_there_are(void **state)
{
	(void)state;
	struct mapped_tensor *all = one_path("all", "a[*].b[*]");
	const struct tensor *five = mapped(all, "{\"a\": [{\"b\": [1, 2]}, {\"b\": []}, {\"b\": [3]}]}");
	assert_int_equal(five->rank, 1);
	assert_int_equal(five->count, 3);
	assert_true(number_at(five, 2) == 3);
	assert_int_equal(mapped(all, "{\"a\": []}")->count, 0);
	refused(all, "{\"a\": 1}", "`a[*].b[*]`");
}

static void an_item_is_named_by_its_number(void **state)
{
	(void)state;
	assert_true(number_at(mapped(one_path("second", "a[1]"), "{\"a\": [5, 6, 7]}"), 0) == 6);
	refused(one_path("tenth", "a[9]"), "{\"a\": [5, 6, 7]}", "`a[9]`");
	refused(one_path("whole", "a"), "{\"a\": [5]}", "write [*]");
	refused(one_path("object", "a"), "{\"a\": {\"b\": 1}}", "there is an object at `a`");
}

static void one_event_serves_paths_that_share_their_parts(void **state)
{
	(void)state;
	struct error error = {0};
	struct mapped_tensor tensors[] = {*one_path("first", "a[0].x"), *one_path("all", "a[*].x"), *one_path("y", "a[1].y"),
					  *shaped(one_path("list", "b"), 2), *one_path("item", "b[1]")};
	struct mapped_input input = {.count = 5, .tensors = tensors, .key = TEXT("who.id"), .time = TEXT("t")};
	const struct mapping *mapping = mapping_compile(arena, &input, &error);
	struct message message = {.arena = arena};
	assert_non_null(mapping);
	struct text event = TEXT("{\"a\": [{\"x\": 1}, {\"x\": 2, \"y\": 3}], \"b\": [8, 9], \"t\": 1700000000123, \"who\": "
				 "{\"id\": 42}}");
	if (!mapped_decode(&message, mapping, event, NULL, &error))
		fail_msg("%s", error.text);
	static const double firsts[] = {1, 1, 3, 8, 9};
	for (size_t i = 0; i < 5; i++)
		assert_true(number_at(message.payload.tensors.items[i], 0) == firsts[i]);
	assert_int_equal(message.payload.tensors.items[1]->count, 2);
	assert_true(text_is(message.key, "42"));
	assert_true(message.time_ms == INT64_C(1700000000123));
}

static void columns_are_named_by_the_last_part_of_their_paths(void **state)
{
	(void)state;
	struct text paths[] = {TEXT("quote.bid"), TEXT("quote.ask"), TEXT("volume")};
	struct mapped_tensor x = {.name = TEXT("x"), .path_count = 3, .paths = paths, .columns = true, .fallback = TEXT("nan")};
	const struct tensor *row = mapped(typed(&x, DATATYPE_FP32), "{\"volume\": 7, \"quote\": {\"bid\": 1.5}}");
	assert_int_equal(row->rank, 2);
	assert_int_equal(row->shape[0], 1);
	assert_int_equal(row->shape[1], 3);
	assert_true(number_at(row, 0) == 1.5 && isnan(number_at(row, 1)) && number_at(row, 2) == 7);
	const struct parameter *columns = parameters_find(row->parameters, TEXT(MAPPED_COLUMNS));
	assert_non_null(columns);
	assert_true(text_is(columns->value.text, "bid,ask,volume"));
}

static void numbers_are_exact_or_refused(void **state)
{
	(void)state;
	const struct tensor *wide = mapped(typed(one_path("n", "n"), DATATYPE_INT64), "{\"n\": 9007199254740993}");
	assert_true(*(const int64_t *)wide->data == INT64_C(9007199254740993));
	const struct tensor *natural = mapped(typed(one_path("n", "n"), DATATYPE_UINT64), "{\"n\": 18446744073709551615}");
	assert_true(*(const uint64_t *)natural->data == UINT64_MAX);
	refused(typed(one_path("n", "n"), DATATYPE_INT8), "{\"n\": 128}", "needs INT8");
	refused(typed(one_path("n", "n"), DATATYPE_INT64), "{\"n\": 1.5}", "needs INT64");
	refused(typed(one_path("n", "n"), DATATYPE_UINT8), "{\"n\": -1}", "needs UINT8");
	refused(typed(one_path("n", "n"), DATATYPE_FP16), "{\"n\": 1e5}", "needs FP16");
	refused(one_path("n", "n"), "{\"n\": \"many\"}", "\"many\" at `n`");
	assert_true(number_at(mapped(one_path("n", "n"), "{\"n\": \"12.5\"}"), 0) == 12.5);
	assert_true(number_at(mapped(one_path("n", "n"), "{\"n\": true}"), 0) == 1);
	assert_int_equal(*(const uint8_t *)mapped(typed(one_path("b", "b"), DATATYPE_BOOL), "{\"b\": true}")->data, 1);
	refused(typed(one_path("b", "b"), DATATYPE_BOOL), "{\"b\": 1}", "needs BOOL");
	assert_true(text_is(*(const struct text *)mapped(typed(one_path("s", "s"), DATATYPE_BYTES), "{\"s\": 1.50}")->data,
			    "1.50"));
}

/* Which of them counts would depend on the reader. What no path reads may repeat, as in requests. */
static void a_field_that_is_read_occurs_once(void **state)
{
	(void)state;
	refused(one_path("n", "n"), "{\"n\": 1, \"m\": 2, \"n\": 3}", "n occurs twice in the event; send it once");
	refused(one_path("n", "a.n"), "{\"a\": {\"n\": 1, \"\\u006e\": 1}}", "n occurs twice in the event; send it once");
	refused(one_path("n", "a.n"), "{\"a\": {\"n\": 1}, \"a\": {}}", "a occurs twice in the event; send it once");
	refused(one_path("n", "a.n"), "{\"a\": null, \"a\": {\"n\": 1}}", "a occurs twice in the event; send it once");
	refused(one_path("n", "a[*].n"), "{\"a\": [{\"n\": 1}, {\"n\": 1, \"n\": 2}]}",
		"n occurs twice in the event; send it once");
	const struct tensor *tensor =
		mapped(one_path("n", "a[*].n"), "{\"a\": [{\"n\": 1, \"m\": 1, \"m\": 2}, {\"n\": 3}], \"z\": 1, \"z\": 2}");
	assert_int_equal(tensor->count, 2);
	assert_true(number_at(tensor, 0) == 1 && number_at(tensor, 1) == 3);
}

static void what_is_no_json_says_so(void **state)
{
	(void)state;
	refused(one_path("n", "n"), "{\"n\": 1", "not JSON");
	refused(one_path("n", "n"), "{\"n\": 1} x", "not JSON");
	refused(one_path("n", "n"), "", "not JSON");
}

static void config_refused(const struct mapped_input *input, const char *words)
{
	struct error error = {0};
	assert_null(mapping_compile(arena, input, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	if (!strstr(error.text, words))
		fail_msg("%s", error.text);
}

static void faults_of_a_mapping_are_found_when_it_is_compiled(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", "a..b", ".a", "a.", "a[", "a[x]", "a[-1]", "a[0]b", "[*"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		config_refused(&(struct mapped_input){.count = 1, .tensors = one_path("x", wrong[i])}, "write fields and items");
	struct mapped_tensor *tensor = typed(one_path("x", "x"), DATATYPE_INT32);
	tensor->fallback = TEXT("none");
	config_refused(&(struct mapped_input){.count = 1, .tensors = tensor}, "which is no INT32");
	config_refused(&(struct mapped_input){.key = TEXT("a[*]")}, "one is wanted");
}

/* ---- Avro ---- */

static const char tick_schema[] =
	"{\"type\":\"record\",\"name\":\"Tick\",\"namespace\":\"market\",\"fields\":["
	"{\"name\":\"symbol\",\"type\":\"string\"},"
	"{\"name\":\"quote\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"Quote\",\"fields\":["
	"{\"name\":\"mid\",\"type\":\"float\"},{\"name\":\"size\",\"type\":\"int\"}]}]},"
	"{\"name\":\"bids\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"Bid\",\"fields\":["
	"{\"name\":\"px\",\"type\":\"double\"},{\"name\":\"q\",\"type\":\"long\"}]}}},"
	"{\"name\":\"side\",\"type\":{\"type\":\"enum\",\"name\":\"Side\",\"symbols\":[\"BUY\",\"SELL\"]}},"
	"{\"name\":\"tags\",\"type\":{\"type\":\"map\",\"values\":\"string\"}},"
	"{\"name\":\"ms\",\"type\":\"long\"},{\"name\":\"open\",\"type\":\"boolean\"}]}";

static const char *tick_by_id(void *context, uint32_t id, struct error *error)
{
	(void)context;
	(void)error;
	return id == 7 ? tick_schema : NULL;
}

/* EUR, mid 1.5 of size 3, bids 2.5 and 3.5, SELL, a tag, ms 1000, open. */
#define TICK                                                                                                                       \
	"\x00\x00\x00\x00\x07\x06"                                                                                                 \
	"EUR\x02\x00\x00\xC0\x3F\x06"                                                                                              \
	"\x04\x00\x00\x00\x00\x00\x00\x04\x40\x02\x00\x00\x00\x00\x00\x00\x0C\x40\x04\x00"                                         \
	"\x02"                                                                                                                     \
	"\x02\x08"                                                                                                                 \
	"desk\x04"                                                                                                                 \
	"fx\x00"                                                                                                                   \
	"\xD0\x0F\x01"

static void fields_of_avro_have_the_datatypes_of_their_schema(void **state)
{
	(void)state;
	struct error error = {0};
	struct mapped_tensor tensors[] = {*one_path("symbol", "symbol"), *one_path("mid", "quote.mid"),
					  *one_path("size", "quote.size"),
					  *one_path("px", "bids[*].px"), *one_path("q", "bids[1].q"),	*one_path("side", "side"),
					  *one_path("desk", "tags.desk"), *one_path("open", "open")};
	static const enum datatype datatypes[] = {DATATYPE_BYTES, DATATYPE_FP32,  DATATYPE_INT32, DATATYPE_FP64,
						  DATATYPE_INT64, DATATYPE_BYTES, DATATYPE_BYTES, DATATYPE_BOOL};
	struct mapped_input input = {.count = 8, .tensors = tensors, .key = TEXT("symbol"), .time = TEXT("ms")};
	struct schema_source source = {.by_id = tick_by_id};
	struct message message = {.arena = arena};
	const struct mapping *mapping = mapping_compile(arena, &input, &error);
	assert_non_null(mapping);
	if (!mapped_decode(&message, mapping, (struct text){TICK, sizeof TICK - 1}, &source, &error))
		fail_msg("%s", error.text);
	const struct tensor *const *made = message.payload.tensors.items;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(made[i]->datatype, datatypes[i]);
	assert_true(text_is(*(const struct text *)made[0]->data, "EUR"));
	assert_true(number_at(made[1], 0) == 1.5);
	assert_true(number_at(made[2], 0) == 3);
	assert_int_equal(made[3]->count, 2);
	assert_true(number_at(made[3], 1) == 3.5);
	assert_true(number_at(made[4], 0) == 2);
	assert_true(text_is(*(const struct text *)made[5]->data, "SELL"));
	assert_true(text_is(*(const struct text *)made[6]->data, "fx"));
	assert_true(number_at(made[7], 0) == 1);
	assert_true(text_is(message.key, "EUR"));
	assert_int_equal(message.time_ms, 1000);
	assert_ptr_equal(message.format, &format_avro);
}

static void an_avro_event_cut_anywhere_is_refused(void **state)
{
	(void)state;
	struct schema_source source = {.by_id = tick_by_id};
	const struct mapping *mapping = mapping_of(one_path("px", "bids[*].px"));
	for (size_t length = 5; length < sizeof TICK - 1; length++) {
		struct error error = {0};
		struct message message = {.arena = arena};
		assert_false(mapped_decode(&message, mapping, (struct text){TICK, length}, &source, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
}

static void a_null_of_a_union_is_absent(void **state)
{
	(void)state;
	struct error error = {0};
	struct schema_source source = {.by_id = tick_by_id};
	struct message message = {.arena = arena};
	struct mapped_tensor *mid = one_path("mid", "quote.mid");
	static const char event[] = "\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00";
	assert_false(mapped_decode(&message, mapping_of(mid), (struct text){event, sizeof event - 1}, &source, &error));
	assert_non_null(strstr(error.text, "nothing at `quote.mid`"));
	error = (struct error){0};
	mid->fallback = TEXT("0.25");
	assert_true(mapped_decode(&message, mapping_of(mid), (struct text){event, sizeof event - 1}, &source, &error));
	assert_int_equal(message.payload.tensors.items[0]->datatype, DATATYPE_FP32);
	assert_true(number_at(message.payload.tensors.items[0], 0) == 0.25);
}

/* Of another version of the schema, say: one path of the mapping leads nowhere, and others go on. */
static void a_field_that_the_schema_lacks_is_absent(void **state)
{
	(void)state;
	struct error error = {0};
	struct schema_source source = {.by_id = tick_by_id};
	struct message message = {.arena = arena};
	struct mapped_tensor tensors[] = {*one_path("spread", "quote.spread.bps"), *one_path("venue", "venue"),
					  *one_path("mid", "quote.mid")};
	tensors[0].fallback = TEXT("0.5");
	tensors[1].fallback = TEXT("7");
	struct mapped_input input = {.count = 3, .tensors = tensors};
	const struct mapping *mapping = mapping_compile(arena, &input, &error);
	assert_non_null(mapping);
	if (!mapped_decode(&message, mapping, (struct text){TICK, sizeof TICK - 1}, &source, &error))
		fail_msg("%s", error.text);
	const struct tensor *const *made = message.payload.tensors.items;
	assert_int_equal(made[0]->datatype, DATATYPE_FP64);
	assert_true(number_at(made[0], 0) == 0.5);
	assert_int_equal(made[1]->datatype, DATATYPE_FP64);
	assert_true(number_at(made[1], 0) == 7);
	assert_int_equal(made[2]->datatype, DATATYPE_FP32);
	assert_true(number_at(made[2], 0) == 1.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_of_json_is_a_double_of_shape_one),
		cmocka_unit_test(what_is_absent_takes_the_default_or_names_its_path),
		cmocka_unit_test(a_list_is_filled_up_and_cut_to_its_shape),
		cmocka_unit_test(without_a_pad_the_count_must_be_right),
		cmocka_unit_test(a_star_without_a_shape_gives_as_many_as_there_are),
		cmocka_unit_test(an_item_is_named_by_its_number),
		cmocka_unit_test(one_event_serves_paths_that_share_their_parts),
		cmocka_unit_test(columns_are_named_by_the_last_part_of_their_paths),
		cmocka_unit_test(numbers_are_exact_or_refused),
		cmocka_unit_test(a_field_that_is_read_occurs_once),
		cmocka_unit_test(what_is_no_json_says_so),
		cmocka_unit_test(faults_of_a_mapping_are_found_when_it_is_compiled),
		cmocka_unit_test(fields_of_avro_have_the_datatypes_of_their_schema),
		cmocka_unit_test(an_avro_event_cut_anywhere_is_refused),
		cmocka_unit_test(a_null_of_a_union_is_absent),
		cmocka_unit_test(a_field_that_the_schema_lacks_is_absent),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
