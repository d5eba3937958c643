/* slice_test.c: rows of several messages as one: what may share a slice, and what the observer gets of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "message/records/slice.h"

#define NEXT 2 /* the bit of the stage */

static struct arena *arena;
static struct slice slice;
static const struct parameter names[] = {{.name = {"columns", 7}, .type = PARAMETER_TEXT, .value.text = {"bid,ask", 7}}};
static const struct parameter flag[] = {{.name = {"columns", 7}, .type = PARAMETER_FLAG, .value.flag = true}};

static int set_up(void **state)
{
	struct error error = {0};
	(void)state;
	arena = arena_open(1 << 22);
	return arena && slice_open(&slice, &error) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	slice_close(&slice);
	arena_close(arena);
	return 0;
}

static struct tensor tensor_of(int64_t columns, double first)
{
	double *numbers = ARENA_ARRAY(arena, double, (size_t)columns);
	int64_t *shape = ARENA_ARRAY(arena, int64_t, 2);
	for (int64_t i = 0; i < columns; i++)
		numbers[i] = first + (double)i;
	shape[0] = 1;
	shape[1] = columns;
	return (struct tensor){.name = TEXT("x"),
			       .datatype = DATATYPE_FP64,
			       .shape = shape,
			       .rank = 2,
			       .data = numbers,
			       .count = (size_t)columns,
			       .parameters = {1, names}};
}

/* A message whose result for the stage is the tensor, as inputs of the step `watch`. */
static struct message message_of(const struct tensor *tensor, int64_t time_ms)
{
	const struct tensor **items = ARENA_ARRAY(arena, const struct tensor *, 1);
	struct payload *payload = ARENA_NEW(arena, struct payload);
	struct given *given = ARENA_NEW(arena, struct given);
	struct carried *carried = ARENA_NEW(arena, struct carried);
	items[0] = tensor;
	payload->tensors = (struct tensors){1, items};
	*given = (struct given){.step = TEXT("watch"), .inputs = true, .state = GIVEN_CAME, .payload = payload, .next = NEXT};
	*carried = (struct carried){.count = 1, .items = given, .next = NEXT};
	return (struct message){.arena = arena,
				.id = TEXT("r-1"),
				.time_ms = time_ms,
				.origin = {TEXT("in"), 3, time_ms},
				.key = TEXT("secret"),
				.carried = carried};
}

static const char *const watcher[] = {"watch.observer"};
static const struct stage_link link_usual = {.from = {"score", 5}, .deployment = 7, .key = {"secret", 6}, .deadline_ms = 5};

static bool is_row(const struct message *message, uint64_t next)
{
	struct slice_row row;
	return slice_row_of(message, next, 1, &row);
}

static bool takes(const struct message *message, const struct stage_link *link)
{
	struct slice_row row;
	assert_true(slice_row_of(message, NEXT, 1, &row));
	return slice_takes(&slice, message, &row, link);
}

static void add(const struct message *message)
{
	struct error error = {0};
	struct slice_row row;
	assert_true(takes(message, &link_usual));
	assert_true(slice_row_of(message, NEXT, 1, &row));
	assert_true(slice_add(&slice, message, &row, &link_usual, watcher, &error));
}

static void add_rows(int64_t columns, int rows)
{
	for (int row = 0; row < rows; row++) {
		const struct tensor tensor = tensor_of(columns, 10 * row);
		const struct message message = message_of(&tensor, 1000 + row);
		add(&message);
	}
}

static struct message read_back(size_t first, size_t count, struct stage_link *link)
{
	struct message read = {.arena = arena};
	struct buffer out;
	struct error error = {0};
	buffer_open(&out, 1 << 20);
	assert_true(slice_encode(&slice, first, count, &out, &error));
	const struct text bytes = {arena_copy(arena, out.bytes, out.length), out.length};
	buffer_close(&out);
	assert_true(stage_link_decode(&read, bytes, link, &error));
	return read;
}

static void rows_of_several_messages_are_one_tensor_with_their_times(void **state)
{
	struct stage_link link;
	size_t rows = 0;
	(void)state;
	add_rows(2, 3);
	const struct message read = read_back(0, 3, &link);
	assert_true(text_is(link.from, "score") && link.deployment == 7 && link.deadline_ms == 0 && !link.key.bytes);
	assert_true(text_is(read.id, "r-1") && text_is(read.origin.topic, "in") && read.origin.offset == 1000);
	assert_null(read.key.bytes);
	assert_true(read.time_ms == 1002 && read.written_ms == 1002);
	assert_int_equal(read.carried->count, 2);
	const struct given *given = &read.carried->items[0];
	assert_true(text_is(given->step, "watch") && given->inputs && given->state == GIVEN_CAME);
	const struct tensor *tensor = given->payload->tensors.items[0];
	assert_true(text_is(tensor->name, "x") && tensor->rank == 2 && tensor->shape[0] == 3 && tensor->shape[1] == 2);
	assert_true(text_is(parameters_find(tensor->parameters, TEXT("columns"))->value.text, "bid,ask"));
	const double *numbers = tensor->data;
	for (int row = 0; row < 3; row++)
		assert_true(numbers[2 * row] == 10 * row && numbers[2 * row + 1] == 10 * row + 1);
	const int64_t *times_ms = slice_times(&read, "watch.observer", &rows);
	assert_int_equal(rows, 3);
	assert_true(times_ms[0] == 1000 && times_ms[2] == 1002);
	assert_null(slice_times(&read, "watch", &rows)); /* the inputs are no times */
	assert_null(slice_times(&read, "other.observer", &rows));
}

static void a_part_of_a_slice_has_its_own_rows(void **state)
{
	struct stage_link link;
	size_t rows = 0;
	(void)state;
	add_rows(2, 5);
	const struct message read = read_back(3, 2, &link);
	const struct tensor *tensor = read.carried->items[0].payload->tensors.items[0];
	assert_int_equal(tensor->shape[0], 2);
	assert_true(((const double *)tensor->data)[0] == 30);
	assert_int_equal(slice_times(&read, "watch.observer", &rows)[0], 1003);
	assert_int_equal(rows, 2);
}

/* Where all came from one partition, the origin has it. */
static void rows_of_several_partitions_have_theirs(void **state)
{
	struct stage_link link;
	size_t rows = 0;
	(void)state;
	for (int row = 0; row < 4; row++) {
		const struct tensor tensor = tensor_of(2, row);
		struct message message = message_of(&tensor, 1000 + row);
		message.origin.partition = row < 2 ? 3 : row;
		add(&message);
	}
	const struct message all = read_back(0, 4, &link), first = read_back(0, 2, &link), last = read_back(3, 1, &link);
	const int32_t *partitions = slice_partitions(&all, "watch.observer");
	assert_non_null(slice_times(&all, "watch.observer", &rows));
	assert_int_equal(rows, 4);
	assert_true(partitions[0] == 3 && partitions[1] == 3 && partitions[2] == 2 && partitions[3] == 3);
	assert_non_null(slice_times(&first, "watch.observer", &rows));
	assert_null(slice_partitions(&first, "watch.observer"));
	assert_int_equal(first.origin.partition, 3);
	assert_null(slice_partitions(&last, "watch.observer"));
	assert_null(slice_partitions(&all, "other.observer"));
}

static void what_is_no_row_goes_alone(void **state)
{
	const struct text words[] = {TEXT("a")};
	const int64_t two_rows[] = {2, 1};
	const struct tensor row = tensor_of(1, 0);
	struct tensor tensor = row;
	(void)state;
	struct message message = message_of(&tensor, 0);
	assert_true(is_row(&message, NEXT));
	assert_false(is_row(&message, 1)); /* nothing goes to that stage */
	tensor.rank = 1;
	assert_true(is_row(&message, NEXT));
	tensor.rank = 0;
	assert_true(is_row(&message, NEXT));
	tensor = tensor_of(2, 0);
	assert_true(is_row(&message, NEXT));
	tensor.rank = 1; /* two rows or one, who knows */
	tensor.shape++;
	assert_false(is_row(&message, NEXT));
	tensor = tensor_of(2, 0);
	tensor.shape = two_rows;
	assert_false(is_row(&message, NEXT));
	tensor = row;
	tensor.datatype = DATATYPE_BYTES;
	tensor.data = words;
	assert_false(is_row(&message, NEXT));
	tensor = row;
	struct given *given = (struct given *)(uintptr_t)message.carried->items;
	given->only_to = TEXT("one");
	assert_false(is_row(&message, NEXT));
	given->only_to = TEXT("");
	given->state = GIVEN_DEAD;
	assert_false(is_row(&message, NEXT));
	given->state = GIVEN_CAME;
	given->inputs = false;
	assert_false(is_row(&message, NEXT));
	struct given both[2] = {*given, *given};
	both[0].inputs = both[1].inputs = true;
	const struct carried carried = {.count = 2, .items = both};
	message.carried = &carried;
	assert_false(is_row(&message, NEXT));
	both[1].next = 1;
	assert_true(is_row(&message, NEXT));
}

static void rows_of_another_form_do_not_share_a_slice(void **state)
{
	struct tensor tensor = tensor_of(2, 0);
	const struct tensor usual = tensor;
	struct message message = message_of(&tensor, 0);
	struct stage_link link = link_usual;
	(void)state;
	add(&message);
	assert_true(takes(&message, &link));
	link.deployment++;
	assert_false(takes(&message, &link));
	link = link_usual;
	link.from = TEXT("other");
	assert_false(takes(&message, &link));
	link = link_usual;
	link.deadline_ms++; /* what the observer does not get */
	assert_true(takes(&message, &link));
	tensor.name = TEXT("y");
	assert_false(takes(&message, &link));
	tensor = usual;
	tensor.datatype = DATATYPE_INT64;
	assert_false(takes(&message, &link));
	tensor = tensor_of(3, 0);
	assert_false(takes(&message, &link));
	tensor = usual;
	tensor.parameters.count = 0;
	assert_false(takes(&message, &link));
	tensor.parameters = (struct parameters){1, flag};
	assert_false(takes(&message, &link));
	tensor = usual;
	((struct carried *)(uintptr_t)message.carried)->answered = true;
	assert_false(takes(&message, &link));
	slice_clear(&slice);
	assert_true(takes(&message, &link));
}

/* Adds a row whose tensor has that parameter, and says whether the slice takes one with the other. */
static bool takes_beside(const struct parameter *first, const struct parameter *second)
{
	struct tensor tensor = tensor_of(2, 1);
	slice_clear(&slice);
	tensor.parameters = (struct parameters){1, first};
	const struct message kept = message_of(&tensor, 1);
	add(&kept);
	struct tensor other = tensor_of(2, 1);
	other.parameters = (struct parameters){1, second};
	const struct message next = message_of(&other, 2);
	return takes(&next, &link_usual);
}

static void rows_with_other_parameters_do_not_share_a_slice(void **state)
{
	static const struct parameter each[] = {
		{.name = {"unit", 4}, .type = PARAMETER_FLAG, .value.flag = true},
		{.name = {"unit", 4}, .type = PARAMETER_FLAG, .value.flag = false},
		{.name = {"unit", 4}, .type = PARAMETER_INTEGER, .value.integer = 1},
		{.name = {"unit", 4}, .type = PARAMETER_INTEGER, .value.integer = -1},
		{.name = {"unit", 4}, .type = PARAMETER_UNSIGNED, .value.natural = UINT64_MAX},
		{.name = {"unit", 4}, .type = PARAMETER_NUMBER, .value.number = 1.5},
		{.name = {"unit", 4}, .type = PARAMETER_TEXT, .value.text = {"s", 1}},
		{.name = {"unit", 4}, .type = PARAMETER_TEXT, .value.text = {"m", 1}},
		{.name = {"form", 4}, .type = PARAMETER_TEXT, .value.text = {"m", 1}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof each / sizeof *each; i++)
		for (size_t j = 0; j < sizeof each / sizeof *each; j++)
			assert_int_equal(takes_beside(&each[i], &each[j]), i == j);
}

/* The inputs of another step, or more tensors of the same one. */
static void rows_of_another_step_do_not_share_a_slice(void **state)
{
	const struct tensor tensor = tensor_of(2, 1);
	const struct message kept = message_of(&tensor, 1);
	(void)state;
	add(&kept);
	struct message next = message_of(&tensor, 2);
	struct given given = next.carried->items[0];
	struct carried carried = *next.carried;
	given.step = TEXT("guard");
	carried.items = &given;
	next.carried = &carried;
	assert_false(takes(&next, &link_usual));
	given.step = TEXT("watch");
	assert_true(takes(&next, &link_usual));
	struct tensor also = tensor_of(2, 1);
	also.name = TEXT("y");
	const struct tensor *items[] = {&tensor, &also};
	const struct payload two = {.tensors = {2, items}};
	given.payload = &two;
	assert_false(takes(&next, &link_usual));
	slice_clear(&slice);
	add(&next);
	assert_false(takes(&kept, &link_usual));
}

static void a_slice_has_so_many_rows_and_bytes_at_most(void **state)
{
	struct tensor tensor = tensor_of(2, 0);
	struct message message = message_of(&tensor, 0);
	(void)state;
	add_rows(2, SLICE_ROWS_MAX);
	assert_false(takes(&message, &link_usual));
	slice_clear(&slice);
	tensor = tensor_of(32, 0);
	while (takes(&message, &link_usual))
		add(&message);
	assert_int_equal(slice.rows, SLICE_BYTES_MAX / (33 * 8));
	tensor = tensor_of(SLICE_BYTES_MAX / 8 - 1, 0);
	assert_true(is_row(&message, NEXT));
	tensor = tensor_of(SLICE_BYTES_MAX / 8, 0);
	assert_false(is_row(&message, NEXT));
}

/* ---- several observers ---- */

static const char *const two_watchers[] = {"watch.observer", "guard.observer"};

/* The tensors as inputs of `watch`, and those from `from` on as inputs of `guard`. */
static struct message message_of_two(const struct tensor *const *tensors, size_t count, size_t from, bool left_out, int64_t time_ms)
{
	struct message message = message_of(tensors[0], time_ms);
	struct payload *payloads = ARENA_ARRAY(arena, struct payload, 2);
	struct given *items = ARENA_ARRAY(arena, struct given, 2);
	struct carried *carried = ARENA_NEW(arena, struct carried);
	payloads[0].tensors = (struct tensors){count, tensors};
	payloads[1].tensors = (struct tensors){count - from, tensors + from};
	items[0] = items[1] = message.carried->items[0];
	items[0].payload = &payloads[0];
	items[1].payload = &payloads[1];
	items[1].step = TEXT("guard");
	items[1].left_out = left_out;
	*carried = (struct carried){.count = 2, .items = items, .next = NEXT};
	message.carried = carried;
	return message;
}

static void add_of_two(const struct message *message)
{
	struct error error = {0};
	struct slice_row row;
	assert_true(slice_row_of(message, NEXT, 2, &row));
	assert_true(slice_takes(&slice, message, &row, &link_usual));
	assert_true(slice_add(&slice, message, &row, &link_usual, two_watchers, &error));
}

/* `x` comes to both, `y` to the first alone. Every third message is not in the share of the second. */
static void add_rows_of_two(int rows)
{
	for (int i = 0; i < rows; i++) {
		struct tensor *tensors = ARENA_ARRAY(arena, struct tensor, 2);
		tensors[0] = tensor_of(1, 100 + i);
		tensors[0].name = TEXT("y");
		tensors[1] = tensor_of(2, 10 * i);
		const struct tensor **both = ARENA_ARRAY(arena, const struct tensor *, 2);
		both[0] = &tensors[0];
		both[1] = &tensors[1];
		const struct message message = message_of_two(both, 2, 1, i % 3 == 2, 1000 + i);
		add_of_two(&message);
	}
}

static const struct payload *inputs_of(const struct message *message, const char *step)
{
	for (size_t i = 0; i < message->carried->count; i++)
		if (text_is(message->carried->items[i].step, step) && message->carried->items[i].inputs &&
		    message->carried->items[i].state == GIVEN_CAME)
			return message->carried->items[i].payload;
	return NULL;
}

static void a_tensor_that_two_observers_read_is_written_and_read_once(void **state)
{
	struct stage_link link;
	size_t rows = 0;
	(void)state;
	add_rows_of_two(2);
	const struct message read = read_back(0, 2, &link);
	assert_int_equal(read.carried->count, 4);
	const struct payload *first = inputs_of(&read, "watch"), *second = inputs_of(&read, "guard");
	assert_int_equal(first->tensors.count, 2);
	assert_int_equal(second->tensors.count, 1);
	assert_ptr_equal(first->tensors.items[1], second->tensors.items[0]);
	assert_ptr_equal(slice_times(&read, "watch.observer", &rows), slice_times(&read, "guard.observer", &rows));
	assert_int_equal(rows, 2);
}

static void an_observer_gets_the_rows_of_its_share(void **state)
{
	struct stage_link link;
	size_t rows = 0;
	(void)state;
	add_rows_of_two(7);
	struct message read = read_back(1, 5, &link); /* of which the second and the fifth are the first observer's alone */
	assert_null(slice_times(&read, "guard.observer", &rows)); /* before they are drawn */
	slice_draw(&read, "watch", "watch.observer");
	slice_draw(&read, "guard", "guard.observer");
	const struct tensor *y = inputs_of(&read, "watch")->tensors.items[0];
	assert_true(text_is(y->name, "y") && y->shape[0] == 5 && ((const double *)y->data)[4] == 105);
	assert_int_equal(slice_times(&read, "watch.observer", &rows)[4], 1005);
	assert_int_equal(rows, 5);
	const struct tensor *x = inputs_of(&read, "guard")->tensors.items[0];
	static const double expected[] = {10, 11, 30, 31, 40, 41};
	assert_true(x->rank == 2 && x->shape[0] == 3 && x->shape[1] == 2 && x->count == 6);
	assert_true(text_is(parameters_find(x->parameters, TEXT("columns"))->value.text, "bid,ask"));
	assert_memory_equal(x->data, expected, sizeof expected);
	static const int64_t times_ms[] = {1001, 1003, 1004};
	assert_memory_equal(slice_times(&read, "guard.observer", &rows), times_ms, sizeof times_ms);
	assert_int_equal(rows, 3);
}

static void an_observer_without_a_row_in_a_slice_gets_nothing(void **state)
{
	struct stage_link link;
	size_t rows = 0;
	(void)state;
	add_rows_of_two(3);
	struct message read = read_back(2, 1, &link);
	slice_draw(&read, "guard", "guard.observer");
	assert_null(inputs_of(&read, "guard"));
	assert_null(slice_times(&read, "guard.observer", &rows));
	assert_non_null(inputs_of(&read, "watch"));
	assert_int_equal(slice_times(&read, "watch.observer", &rows)[0], 1002);
}

/* Any producer may write to the topic. The other observer gets its rows. */
static void rows_that_are_not_those_of_their_slice_are_refused(void **state)
{
	struct stage_link link;
	(void)state;
	add_rows_of_two(3);
	struct message read = read_back(0, 3, &link);
	struct tensor *x = (struct tensor *)(uintptr_t)inputs_of(&read, "guard")->tensors.items[0];
	((int64_t *)(uintptr_t)x->shape)[0] = 2;
	slice_draw(&read, "watch", "watch.observer");
	slice_draw(&read, "guard", "guard.observer");
	assert_non_null(inputs_of(&read, "watch"));
	assert_int_equal(read.carried->items[1].state, GIVEN_FAILED);
	assert_int_equal(read.carried->items[1].error->kind, ERROR_INPUT);
}

static void any_byte_but_0_says_that_a_row_is_the_observers(void **state)
{
	struct stage_link link;
	size_t rows = 0;
	(void)state;
	add_rows_of_two(3);
	struct message read = read_back(0, 3, &link);
	unsigned char *own = (unsigned char *)(uintptr_t)inputs_of(&read, "guard.observer")->tensors.items[1]->data;
	own[0] = 2, own[1] = 0, own[2] = 255;
	slice_draw(&read, "guard", "guard.observer");
	assert_int_equal(inputs_of(&read, "guard")->tensors.items[0]->shape[0], 2);
	assert_int_equal(slice_times(&read, "guard.observer", &rows)[1], 1002);
	assert_int_equal(rows, 2);
}

static void a_result_fails_with_its_times(void **state)
{
	struct stage_link link;
	(void)state;
	add_rows_of_two(3);
	struct message read = read_back(0, 3, &link);
	((struct tensor *)(uintptr_t)inputs_of(&read, "guard.observer")->tensors.items[0])->rank = 1;
	slice_draw(&read, "guard", "guard.observer");
	assert_int_equal(read.carried->items[1].state, GIVEN_FAILED);
	assert_int_equal(read.carried->items[1].error->kind, ERROR_INPUT);
	assert_non_null(inputs_of(&read, "watch"));
}

/* More rows than a slice has, none of which has bytes, would be walked for each of the tensors. */
static void rows_beyond_those_of_any_slice_are_refused(void **state)
{
	static unsigned char own[SLICE_ROWS_MAX + 1];
	struct stage_link link;
	(void)state;
	add_rows_of_two(3);
	struct message read = read_back(0, 3, &link);
	const struct payload *moments = inputs_of(&read, "guard.observer");
	struct tensor *flags = (struct tensor *)(uintptr_t)moments->tensors.items[1];
	struct tensor *times = (struct tensor *)(uintptr_t)moments->tensors.items[0];
	memset(own, 1, sizeof own);
	flags->data = own;
	flags->count = sizeof own;
	((int64_t *)(uintptr_t)times->shape)[0] = sizeof own;
	((int64_t *)(uintptr_t)times->shape)[1] = 0;
	times->count = 0;
	slice_draw(&read, "guard", "guard.observer");
	assert_int_equal(read.carried->items[1].state, GIVEN_FAILED);
}

static void rows_that_other_observers_read_do_not_share_a_slice(void **state)
{
	struct slice_row row;
	const struct tensor x = tensor_of(2, 0), also = tensor_of(2, 0);
	struct tensor y = tensor_of(1, 0);
	y.name = TEXT("y");
	const struct tensor *const both[] = {&y, &x}, *const twice[] = {&y, &x, &also};
	(void)state;
	const struct message kept = message_of_two(both, 2, 1, false, 1);
	add_of_two(&kept);
	const struct message each = message_of_two(both, 2, 0, false, 2);
	assert_true(slice_row_of(&each, NEXT, 2, &row));
	assert_false(slice_takes(&slice, &each, &row, &link_usual));
	const struct message apart = message_of_two(twice, 3, 1, false, 2);
	assert_true(slice_row_of(&apart, NEXT, 2, &row));
	assert_false(slice_takes(&slice, &apart, &row, &link_usual));
	const struct message other = message_of_two(both, 2, 1, false, 2);
	((struct payload *)(uintptr_t)other.carried->items[1].payload)->tensors.items = both; /* y, and not x */
	assert_true(slice_row_of(&other, NEXT, 2, &row));
	assert_false(slice_takes(&slice, &other, &row, &link_usual));
	assert_false(slice_row_of(&kept, NEXT, 1, &row)); /* the stage has one observer, and two results came */
	assert_false(slice_row_of(&kept, NEXT, 3, &row));
}

/* As with a message that goes alone, an observer is not visited for what has nothing that it reads. */
static void a_message_of_which_one_observer_reads_nothing_is_a_row(void **state)
{
	struct stage_link link;
	const struct tensor x = tensor_of(2, 0);
	const struct tensor *const one[] = {&x};
	(void)state;
	const struct message message = message_of_two(one, 1, 1, false, 1);
	add_of_two(&message);
	const struct message read = read_back(0, 1, &link);
	assert_int_equal(inputs_of(&read, "watch")->tensors.count, 1);
	assert_int_equal(inputs_of(&read, "guard")->tensors.count, 0);
	struct slice_row row;
	const struct message nothing = message_of_two(one, 0, 0, false, 1);
	assert_false(slice_row_of(&nothing, NEXT, 2, &row));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(rows_of_several_messages_are_one_tensor_with_their_times),
		TEST(a_part_of_a_slice_has_its_own_rows),
		TEST(rows_of_several_partitions_have_theirs),
		TEST(what_is_no_row_goes_alone),
		TEST(rows_of_another_form_do_not_share_a_slice),
		TEST(rows_with_other_parameters_do_not_share_a_slice),
		TEST(rows_of_another_step_do_not_share_a_slice),
		TEST(a_slice_has_so_many_rows_and_bytes_at_most),
		TEST(a_tensor_that_two_observers_read_is_written_and_read_once),
		TEST(an_observer_gets_the_rows_of_its_share),
		TEST(an_observer_without_a_row_in_a_slice_gets_nothing),
		TEST(rows_that_are_not_those_of_their_slice_are_refused),
		TEST(any_byte_but_0_says_that_a_row_is_the_observers),
		TEST(a_result_fails_with_its_times),
		TEST(rows_beyond_those_of_any_slice_are_refused),
		TEST(rows_that_other_observers_read_do_not_share_a_slice),
		TEST(a_message_of_which_one_observer_reads_nothing_is_a_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
