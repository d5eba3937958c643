/* sliced.c: see sliced.h. */
#include "tests/unit/sliced.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

size_t sliced_rows(struct text record)
{
	struct arena *arena = arena_open(1 << 20);
	struct message message = {.arena = arena};
	struct stage_link link;
	struct error error = {0};
	size_t rows = 1;
	assert_true(stage_link_decode(&message, record, &link, &error));
	(void)slice_times(&message, "watch.observer", &rows);
	arena_close(arena);
	return rows;
}

size_t sliced_numbers(struct text record, double *numbers, size_t room)
{
	struct arena *arena = arena_open(1 << 22);
	struct message message = {.arena = arena};
	struct stage_link link;
	struct error error = {0};
	assert_true(stage_link_decode(&message, record, &link, &error));
	const struct given *given = message.carried->items;
	while (!given->payload || !text_is(given->step, "watch"))
		assert_true(++given < message.carried->items + message.carried->count);
	const struct tensor *tensor = given->payload->tensors.items[0];
	const size_t rows = tensor->rank == 2 ? (size_t)tensor->shape[0] : 1;
	assert_in_range(rows, 1, room);
	for (size_t i = 0; i < rows; i++)
		numbers[i] = tensor_number(tensor, i * (tensor->count / rows));
	arena_close(arena);
	return rows;
}
