/* payload_words.c: see payload_words.h. */
#include "payload_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const char *word_end(const char *word)
{
	return word + strcspn(word, " ");
}

const struct tensor *tensor_made(struct arena *arena, const char *word)
{
	size_t name = strcspn(word, "=");
	const char *at = word + name + 1;
	int64_t shape[2] = {1, 0};
	size_t rank = 1;
	if (*at == '[') {
		rank = 2;
		shape[0] = strtol(at + 1, (char **)&at, 10);
		at++;
	}
	float numbers[64] = {0};
	size_t count = 0;
	while (at < word_end(word)) {
		numbers[count++] = strtof(at, (char **)&at);
		at += *at == ',';
	}
	shape[rank - 1] = (int64_t)count / shape[0];
	if (rank == 1)
		shape[0] = (int64_t)count;
	void *elements;
	struct error error = {0};
	struct tensor *tensor = tensor_make(arena, (struct text){arena_copy(arena, word, name), name}, DATATYPE_FP32, shape, rank,
					    &elements, &error);
	assert_non_null(tensor);
	memcpy(elements, numbers, count * sizeof *numbers);
	return tensor;
}

struct payload *payload_made(struct arena *arena, const char *tensors)
{
	struct payload *payload = ARENA_NEW(arena, struct payload);
	struct tensors_builder builder;
	tensors_begin(&builder, arena, 0);
	for (const char *word = tensors; *word; word = word_end(word), word += *word == ' ')
		tensors_add(&builder, tensor_made(arena, word));
	payload->tensors = tensors_end(&builder);
	return payload;
}

void payload_print(const struct payload *payload, char *text, size_t size)
{
	size_t length = 0;
	text[0] = '\0';
	for (size_t i = 0; i < payload->tensors.count; i++) {
		const struct tensor *tensor = payload->tensors.items[i];
		length += (size_t)snprintf(text + length, size - length, "%s" TEXT_FORMAT "=", i ? " " : "",
					   TEXT_ARGUMENTS(tensor->name));
		for (size_t e = 0; e < tensor->count; e++)
			length += (size_t)snprintf(text + length, size - length, "%s%g", e ? "," : "", tensor_number(tensor, e));
	}
}
