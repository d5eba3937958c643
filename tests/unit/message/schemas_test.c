/* schemas_test.c: Tests of the schemas that are our contract, and of the names of schemas on
 * the wire. The canonical forms and fingerprints are test data of the Avro project
 * (share/test/data/schema-tests.txt). */
#include <setjmp.h>
#include <stdarg.h>

#include "message/avro/avro_walk.h"
#include "message/avro/schemas.h"
#include "message/tensor.h"

#include <avro.h>
#include <cmocka.h>
#include <jansson.h>

static const struct vector {
	const char *input;
	const char *canonical;
	int64_t fingerprint;
} vectors[] = {
	{"\"null\"", "\"null\"", 7195948357588979594},
	{"{\"type\":\"boolean\"}", "\"boolean\"", -6970731678124411036},
	{"\"int\"", "\"int\"", 8247732601305521295},
	{"\"string\"", "\"string\"", -8142146995180207161},
	{"[  ]", "[]", -1241056759729112623},
	{"[ \"int\" , {\"type\":\"boolean\"} ]", "[\"int\",\"boolean\"]", 5392556393470105090},
	{"{\"fields\":[], \"type\":\"record\", \"name\":\"foo\", \"namespace\":\"x.y\"}",
	 "{\"name\":\"x.y.foo\",\"type\":\"record\",\"fields\":[]}", 5916914534497305771},
	{"{\"fields\":[], \"type\":\"record\", \"name\":\"a.b.foo\", \"namespace\":\"x.y\"}",
	 "{\"name\":\"a.b.foo\",\"type\":\"record\",\"fields\":[]}", -4616218487480524110},
	{"{\"fields\":[], \"type\":\"record\", \"name\":\"foo\", \"doc\":\"foo\", \"aliases\":[\"foo\",\"bar\"]}",
	 "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[]}", -4824392279771201922},
	{"{ \"fields\":[{\"type\":\"boolean\", \"aliases\":[], \"name\":\"f1\", \"default\":\"true\"},\n"
	 "{\"order\":\"descending\",\"name\":\"f2\",\"doc\":\"Hello\",\"type\":\"int\"}], \"type\":\"record\", \"name\":\"foo\"}",
	 "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[{\"name\":\"f1\",\"type\":\"boolean\"},"
	 "{\"name\":\"f2\",\"type\":\"int\"}]}",
	 -4860222112080293046},
	{"{\"namespace\":\"x.y.z\", \"type\":\"enum\", \"name\":\"foo\", \"doc\":\"foo bar\", \"symbols\":[\"A1\", \"A2\"]}",
	 "{\"name\":\"x.y.z.foo\",\"type\":\"enum\",\"symbols\":[\"A1\",\"A2\"]}", -4448647247586288245},
	{"{\"namespace\":\"x.y.z\", \"type\":\"fixed\", \"name\":\"foo\", \"doc\":\"foo bar\", \"size\":32}",
	 "{\"name\":\"x.y.z.foo\",\"type\":\"fixed\",\"size\":32}", -3064184465700546786},
	{"{ \"items\":{\"type\":\"null\"}, \"type\":\"array\"}", "{\"type\":\"array\",\"items\":\"null\"}", -589620603366471059},
	{"{ \"values\":\"string\", \"type\":\"map\"}", "{\"type\":\"map\",\"values\":\"string\"}", -8732877298790414990},
	{"{\"name\":\"PigValue\",\"type\":\"record\",\"fields\":[{\"name\":\"value\", \"type\":[\"null\", \"int\", \"long\", "
	 "\"PigValue\"]}]}",
	 "{\"name\":\"PigValue\",\"type\":\"record\",\"fields\":[{\"name\":\"value\","
	 "\"type\":[\"null\",\"int\",\"long\",\"PigValue\"]}]}",
	 -1759257747318642341},
};

static void fingerprints_are_those_of_the_avro_project(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		struct error error = {0};
		struct buffer out;
		uint64_t fingerprint = 0;
		buffer_open(&out, 4096);
		assert_true(schema_canonical(vectors[i].input, &out, &error));
		buffer_byte(&out, '\0');
		assert_string_equal(out.bytes, vectors[i].canonical);
		assert_true(schema_fingerprint(vectors[i].input, &fingerprint, &error));
		assert_true(fingerprint == (uint64_t)vectors[i].fingerprint);
		buffer_close(&out);
	}
}

static void a_name_inside_takes_the_namespace_around_it(void **state)
{
	(void)state;
	struct error error = {0};
	struct buffer out;
	buffer_open(&out, 4096);
	assert_true(schema_canonical("{\"type\":\"record\",\"name\":\"a.b.R\","
				     "\"fields\":[{\"name\":\"f\",\"type\":{\"type\":\"enum\","
				     "\"name\":\"E\",\"symbols\":[\"X\"]}},{\"name\":\"g\",\"type\":[\"null\",\"E\"]}]}",
				     &out, &error));
	buffer_byte(&out, '\0');
	assert_string_equal(out.bytes,
			    "{\"name\":\"a.b.R\",\"type\":\"record\",\"fields\":[{\"name\":\"f\",\"type\":{\"name\":\"a.b.E\","
			    "\"type\":\"enum\",\"symbols\":[\"X\"]}},{\"name\":\"g\",\"type\":[\"null\",\"a.b.E\"]}]}");
	buffer_close(&out);
}

static void what_is_no_schema_is_an_input_error(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", "{", "7", "{\"type\":\"record\",\"name\":\"x\"}",
					    "{\"type\":\"enum\",\"symbols\":[]}",
					    "{\"type\":\"array\"}",
					    "{\"type\":\"record\",\"name\":\"x\",\"fields\":[{\"type\":\"int\"}]}"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct error error = {0};
		uint64_t fingerprint;
		assert_false(schema_fingerprint(wrong[i], &fingerprint, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
}

static void avro_c_parses_every_schema(void **state)
{
	(void)state;
	size_t count = 0;
	for (const struct schema *row = schema_table; row->name; row++, count++) {
		avro_schema_t schema;
		assert_int_equal(avro_schema_from_json_length(row->json, strlen(row->json), &schema), 0);
		assert_string_equal(avro_schema_namespace(schema), "io.sluice");
		avro_schema_decref(schema);
	}
	assert_int_equal(count, 29);
}

/* Every record, enum and field below `node` says what it is for. */
static void expect_docs(const json_t *node)
{
	const char *key;
	if (json_is_object(node)) {
		if (json_object_get(node, "name") && !json_object_get(node, "doc"))
			fail_msg("%s has no doc", json_string_value(json_object_get(node, "name")));
		void *cursor = json_object_iter((json_t *)(uintptr_t)node);
		for (; cursor; cursor = json_object_iter_next((json_t *)(uintptr_t)node, cursor)) {
			key = json_object_iter_key(cursor);
			if (strcmp(key, "default") != 0)
				expect_docs(json_object_iter_value(cursor));
		}
	}
	for (size_t i = 0; i < json_array_size(node); i++)
		expect_docs(json_array_get(node, i));
}

static void every_field_has_a_doc(void **state)
{
	(void)state;
	for (const struct schema *row = schema_table; row->name; row++) {
		json_t *root = json_loads(row->json, 0, NULL);
		assert_non_null(root);
		expect_docs(root);
		json_decref(root);
	}
}

static avro_schema_t parsed(const char *name)
{
	avro_schema_t schema = NULL;
	const char *json = schema_json(name);
	assert_non_null(json);
	assert_int_equal(avro_schema_from_json_length(json, strlen(json), &schema), 0);
	return schema;
}

/* The item type of an array field of a record. */
static avro_schema_t items_of(avro_schema_t record, const char *field)
{
	avro_schema_t items = avro_schema_array_items(avro_walk_field(record, field));
	return is_avro_link(items) ? avro_schema_link_target(items) : items;
}

static void a_tensor_is_the_same_in_every_schema(void **state)
{
	(void)state;
	avro_schema_t request = parsed("request");
	avro_schema_t response = parsed("response");
	avro_schema_t feedback = parsed("feedback");
	avro_schema_t tensor = items_of(request, "inputs");
	assert_true(avro_schema_equal(tensor, items_of(response, "outputs")));
	assert_true(avro_schema_equal(avro_walk_field(tensor, "datatype"),
				      avro_walk_field(items_of(feedback, "truth"), "datatype")));
	assert_true(avro_schema_equal(items_of(request, "versions"), items_of(response, "versions")));
	avro_schema_decref(request);
	avro_schema_decref(response);
	avro_schema_decref(feedback);
}

static void the_datatypes_of_the_schema_are_those_of_the_engine(void **state)
{
	(void)state;
	avro_schema_t request = parsed("request");
	avro_schema_t symbols = avro_walk_field(items_of(request, "inputs"), "datatype");
	assert_int_equal(avro_schema_enum_number_of_symbols(symbols), DATATYPE_COUNT);
	for (int i = 0; i < DATATYPE_COUNT; i++)
		assert_string_equal(avro_schema_enum_get(symbols, i), datatype_rows[i].name);
	avro_schema_decref(request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fingerprints_are_those_of_the_avro_project),
		cmocka_unit_test(a_name_inside_takes_the_namespace_around_it),
		cmocka_unit_test(what_is_no_schema_is_an_input_error),
		cmocka_unit_test(avro_c_parses_every_schema),
		cmocka_unit_test(every_field_has_a_doc),
		cmocka_unit_test(a_tensor_is_the_same_in_every_schema),
		cmocka_unit_test(the_datatypes_of_the_schema_are_those_of_the_engine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
