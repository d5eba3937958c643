/* yaml_test.c: files become trees whose every value knows its place, and nothing in a
 * file can make that costly. */
#include "compiler/yaml/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/memory.h"
#include "compiler/yaml/fault.h"

struct read {
	struct arena *arena;
	struct faults *faults;
	struct documents documents;
};

static struct read read_bytes(struct text text)
{
	struct read read = {.arena = arena_open((size_t)1 << 30)};
	assert_non_null(read.arena);
	read.faults = faults_open(read.arena);
	assert_true(yaml_read(read.arena, "file", text, &read.documents, read.faults));
	return read;
}

static struct read read_yaml(const char *yaml)
{
	return read_bytes(text_of(yaml));
}

static const struct node *root_of(const struct read *read, size_t index)
{
	assert_true(index < read->documents.count);
	return read->documents.items[index].root;
}

static void assert_place(const struct node *node, uint32_t line, uint32_t column)
{
	assert_non_null(node);
	assert_int_equal(node->place.line, line);
	assert_int_equal(node->place.column, column);
}

/* The first fault is of that kind, in that line; column 0: any. */
static void assert_fault(const struct read *read, enum fault_kind kind, uint32_t line, uint32_t column)
{
	assert_true(faults_total(read->faults) > 0);
	const struct fault *fault = faults_at(read->faults, 0);
	assert_int_equal(fault->code->kind, kind);
	assert_int_equal(fault->place.line, line);
	if (column > 0)
		assert_int_equal(fault->place.column, column);
}

static void every_value_knows_its_line_and_column(void **state)
{
	(void)state;
	struct read read = read_yaml("a: 1\nb:\n- x\n-   'é ü': \"z\"\nc: {d: e}\n");
	const struct node *root = root_of(&read, 0);
	assert_place(root, 1, 1);
	assert_place(node_get(root, "a"), 1, 4);
	const struct node *list = node_get(root, "b");
	assert_place(list, 3, 1);
	assert_place(list->items[0], 3, 3);
	assert_place(list->items[1], 4, 5);
	assert_place(list->items[1]->entries[0].key, 4, 5);
	/* Columns count characters, and é is one. */
	assert_place(list->items[1]->entries[0].value, 4, 12);
	assert_true(list->items[1]->entries[0].value->quoted);
	assert_place(node_get(node_get(root, "c"), "d"), 5, 8);
	arena_close(read.arena);
}

static void a_file_may_hold_many_documents(void **state)
{
	(void)state;
	struct read read = read_yaml("a: 1\n---\n---\nb: 2\n...\n---\nc: 3\n");
	assert_int_equal(read.documents.count, 4);
	assert_null(root_of(&read, 1));
	assert_place(node_get(root_of(&read, 2), "b"), 4, 4);
	assert_place(node_get(root_of(&read, 3), "c"), 7, 4);
	assert_int_equal(faults_total(read.faults), 0);
	arena_close(read.arena);
}

static void aliases_share_what_they_name(void **state)
{
	(void)state;
	struct read read = read_yaml("a: &x {k: [1]}\nb: *x\nc: &y 5\nd: [*y, *x]\n");
	const struct node *root = root_of(&read, 0);
	assert_ptr_equal(node_get(root, "a"), node_get(root, "b"));
	const struct node *word = node_get(root, "d")->items[0]; /* a word stands where its alias does */
	assert_true(text_is(word->scalar, "5"));
	assert_int_equal(word->place.line, 4);
	assert_int_equal(word->place.column, 5);
	assert_int_equal(faults_total(read.faults), 0);
	arena_close(read.arena);
}

static void an_alias_without_an_anchor_above_is_a_fault(void **state)
{
	(void)state;
	static const char *const rows[] = {"a: 1\nb: *x\n", "a: &y 1\nb: *x\nc: &x 2\n", "a: &x 1\n---\nc: 5\nb: *x\n"};
	static const uint32_t lines[] = {2, 2, 4};
	for (size_t i = 0; i < 3; i++) {
		struct read read = read_yaml(rows[i]);
		assert_fault(&read, FAULT_SYNTAX, lines[i], 4);
		assert_non_null(strstr(faults_at(read.faults, 0)->message, "*x"));
		arena_close(read.arena);
	}
	struct read read = read_yaml("a: &x [1, *x]\n");
	assert_fault(&read, FAULT_SYNTAX, 1, 11);
	arena_close(read.arena);
}

static void merge_keys_add_what_is_not_there(void **state)
{
	(void)state;
	struct read read = read_yaml("base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\n"
				     "one: {<<: *b, x: 9}\ntwo: {<<: [*m, *b], '<<': text}\n");
	const struct node *one = node_get(root_of(&read, 0), "one"), *two = node_get(root_of(&read, 0), "two");
	assert_int_equal(one->count, 2);
	assert_true(text_is(node_get(one, "x")->scalar, "9"));
	assert_true(text_is(node_get(one, "y")->scalar, "2"));
	assert_true(text_is(node_get(two, "y")->scalar, "3"));
	assert_true(text_is(node_get(two, "x")->scalar, "1"));
	assert_true(text_is(node_get(two, "<<")->scalar, "text"));
	assert_int_equal(faults_total(read.faults), 0);
	arena_close(read.arena);
	read = read_yaml("one: {<<: 5}\n");
	assert_fault(&read, FAULT_SYNTAX, 1, 11);
	arena_close(read.arena);
}

static void a_key_that_stands_twice_is_found_at_its_second_place(void **state)
{
	(void)state;
	struct read read = read_yaml("a: 1\nb: 2\n\"a\": 3\nc: {d: 1, e: 2, d: 3}\n");
	assert_int_equal(faults_total(read.faults), 2);
	assert_fault(&read, FAULT_DUPLICATE_KEY, 3, 1);
	assert_int_equal(faults_at(read.faults, 1)->place.column, 17);
	assert_true(text_is(node_get(root_of(&read, 0), "a")->scalar, "1"));
	arena_close(read.arena);
}

static void what_is_no_yaml_is_said_with_its_line(void **state)
{
	(void)state;
	static const struct {
		const char *yaml;
		uint32_t line;
		const char *contains;
	} rows[] = {
		{"a:\n\tb: 1\n", 2, "tab"},
		{"a:\n  b: 1\n\tc: 2\n", 3, "tab"},
		{"a:\n  b: 1\n  \t- c\n", 3, "tab"},
		{"a:\n- b\n-\tc: 1\n  d: 2\n", 3, ""},
		{"a:\n  b: 1\n c: 2\n", 3, ""},
		{"a: [1, 2\nb: 3\n", 2, ""},
		{"a: 1\nb: \"x\nc: 3\n", 2, "quoted"},
		{"a: b: c\n", 1, "mapping"},
		{"a: @x\n", 1, ""},
		{"? [a, b]\n: c\n", 1, "key"},
		{"a: !secret b\n", 1, "secret"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct read read = read_yaml(rows[i].yaml);
		assert_fault(&read, FAULT_SYNTAX, rows[i].line, 0);
		assert_non_null(strstr(faults_at(read.faults, 0)->message, rows[i].contains));
		arena_close(read.arena);
	}
}

static void reading_goes_on_behind_a_document_that_cannot_be_read(void **state)
{
	(void)state;
	struct read read = read_yaml("a: 1\n---\nb: [1\n---\nc: &x 3\nd: {*x\n---\ne:\n- *x\n- f\n");
	assert_int_equal(read.documents.count, 2);
	assert_place(node_get(root_of(&read, 1), "e"), 9, 1);
	assert_int_equal(faults_total(read.faults), 3);
	assert_int_equal(faults_at(read.faults, 2)->place.line, 9);
	arena_close(read.arena);
}

static void bytes_that_are_no_utf8_are_found_in_their_line(void **state)
{
	(void)state;
	struct read read = read_yaml("a: 1\nb: caf\xE9\n");
	assert_fault(&read, FAULT_ENCODING, 2, 7);
	arena_close(read.arena);
	read = read_yaml("a: ü\nb: \xC3\n");
	assert_fault(&read, FAULT_ENCODING, 2, 4);
	arena_close(read.arena);
	read = read_bytes((struct text){"a: 1\nb: x\x07y\n", 13});
	assert_fault(&read, FAULT_ENCODING, 2, 5);
	arena_close(read.arena);
	read = read_bytes((struct text){"a: 1\nb: x\0y\n", 12});
	assert_fault(&read, FAULT_ENCODING, 2, 5);
	arena_close(read.arena);
	read = read_yaml("\xEF\xBB\xBF"
			 "a: 1\n");
	assert_int_equal(faults_total(read.faults), 0);
	assert_place(node_get(root_of(&read, 0), "a"), 1, 4);
	arena_close(read.arena);
}

static void a_text_with_a_nul_in_it_is_refused(void **state)
{
	(void)state;
	struct read read = read_yaml("a: \"x\\0y\"\n");
	assert_fault(&read, FAULT_BAD_VALUE, 1, 4);
	arena_close(read.arena);
}

static void an_empty_file_is_said_to_be_empty(void **state)
{
	(void)state;
	static const char *const rows[] = {"", "\n\n", "# nothing\n# at all\n", "---\n", "--- # x\n...\n"};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct read read = read_yaml(rows[i]);
		assert_int_equal(faults_total(read.faults), 1);
		assert_fault(&read, FAULT_EMPTY, 1, 1);
		arena_close(read.arena);
	}
}

static char *repeated(const char *piece, size_t count, const char *before, const char *behind)
{
	size_t size = strlen(piece);
	char *text = memory_take(strlen(before) + size * count + strlen(behind) + 1, 1);
	size_t length = strlen(before);
	memcpy(text, before, length);
	for (size_t i = 0; i < count; i++, length += size)
		memcpy(text + length, piece, size);
	memcpy(text + length, behind, strlen(behind));
	return text;
}

static void depth_has_a_limit(void **state)
{
	(void)state;
	char *yaml = repeated("[", YAML_DEPTH_MAX - 1, "a: ", "");
	char *closed = repeated("]", YAML_DEPTH_MAX - 1, yaml, "\n");
	struct read read = read_yaml(closed);
	assert_int_equal(faults_total(read.faults), 0);
	arena_close(read.arena);
	memory_give(yaml);
	memory_give(closed);
	/* Quadratic work in libyaml would show as minutes here. */
	yaml = repeated("[", 500000, "b: 1\na: ", "");
	read = read_yaml(yaml);
	assert_fault(&read, FAULT_LIMIT, 2, 4 + YAML_DEPTH_MAX - 1);
	arena_close(read.arena);
	memory_give(yaml);
	yaml = repeated("- ", 100000, "b: 1\n---\n", "");
	read = read_yaml(yaml);
	assert_fault(&read, FAULT_LIMIT, 3, 0);
	assert_int_equal(read.documents.count, 1);
	arena_close(read.arena);
	memory_give(yaml);
}

static void depth_counts_through_aliases(void **state)
{
	(void)state;
	char yaml[4096] = "a0: &a0 [1]\n";
	for (int i = 1; i < 70; i++)
		snprintf(yaml + strlen(yaml), sizeof yaml - strlen(yaml), "a%d: &a%d [*a%d]\n", i, i, i - 1);
	struct read read = read_yaml(yaml);
	assert_fault(&read, FAULT_LIMIT, YAML_DEPTH_MAX - 1, 0);
	arena_close(read.arena);
}

static void a_bomb_of_aliases_costs_nothing(void **state)
{
	(void)state;
	char yaml[4096] = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
	for (int i = 1; i < 30; i++)
		snprintf(yaml + strlen(yaml), sizeof yaml - strlen(yaml), "a%d: &a%d {a: *a%d, b: *a%d, c: *a%d}\n", i, i, i - 1,
			 i - 1, i - 1);
	struct read read = read_yaml(yaml);
	assert_fault(&read, FAULT_LIMIT, 1, 1);
	assert_true(read.arena->held_bytes < (size_t)1 << 20);
	arena_close(read.arena);
}

static void size_documents_and_anchors_have_limits(void **state)
{
	(void)state;
	char *yaml = repeated("# 45678\n", YAML_BYTES_MAX / 8, "a: 1\n", "");
	struct read read = read_yaml(yaml);
	assert_fault(&read, FAULT_LIMIT, 1, 1);
	arena_close(read.arena);
	memory_give(yaml);
	yaml = repeated("---\na: 1\n", YAML_DOCUMENTS_MAX + 2, "", "");
	read = read_yaml(yaml);
	assert_fault(&read, FAULT_LIMIT, 2 * YAML_DOCUMENTS_MAX + 1, 0);
	assert_int_equal(faults_total(read.faults), 1);
	arena_close(read.arena);
	memory_give(yaml);
	yaml = repeated("- &x 1\n", YAML_ANCHORS_MAX + 1, "", "");
	read = read_yaml(yaml);
	assert_fault(&read, FAULT_LIMIT, YAML_ANCHORS_MAX + 1, 0);
	arena_close(read.arena);
	memory_give(yaml);
}

static void quotes_blocks_and_tags_make_texts(void **state)
{
	(void)state;
	struct read read = read_yaml("a: '1'\nb: |\n  2\nc: !!str 3\nd: 4\ne: ~\nf: 'null'\n");
	const struct node *root = root_of(&read, 0);
	assert_true(node_get(root, "a")->quoted && node_get(root, "b")->quoted && node_get(root, "c")->quoted);
	assert_false(node_get(root, "d")->quoted);
	assert_int_equal(node_get(root, "e")->type, NODE_NULL);
	assert_int_equal(node_get(root, "f")->type, NODE_SCALAR);
	arena_close(read.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_knows_its_line_and_column),
		cmocka_unit_test(a_file_may_hold_many_documents),
		cmocka_unit_test(aliases_share_what_they_name),
		cmocka_unit_test(an_alias_without_an_anchor_above_is_a_fault),
		cmocka_unit_test(merge_keys_add_what_is_not_there),
		cmocka_unit_test(a_key_that_stands_twice_is_found_at_its_second_place),
		cmocka_unit_test(what_is_no_yaml_is_said_with_its_line),
		cmocka_unit_test(reading_goes_on_behind_a_document_that_cannot_be_read),
		cmocka_unit_test(bytes_that_are_no_utf8_are_found_in_their_line),
		cmocka_unit_test(a_text_with_a_nul_in_it_is_refused),
		cmocka_unit_test(an_empty_file_is_said_to_be_empty),
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(depth_counts_through_aliases),
		cmocka_unit_test(a_bomb_of_aliases_costs_nothing),
		cmocka_unit_test(size_documents_and_anchors_have_limits),
		cmocka_unit_test(quotes_blocks_and_tags_make_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
