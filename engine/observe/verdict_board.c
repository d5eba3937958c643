/* verdict_board.c: see verdict_board.h. */
#include "observe/verdict_board.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"

struct verdict_entry {
	struct verdict_entry *next;
	char *pipeline, *step;
	pthread_mutex_t lock;
	struct last_verdict last;
};

struct verdict_board {
	pthread_mutex_t lock;
	struct verdict_entry *entries;
};

struct verdict_board *verdict_board_open(void)
{
	struct verdict_board *board = memory_take(1, sizeof *board);
	if (board)
		pthread_mutex_init(&board->lock, NULL);
	return board;
}

static void entry_close(struct verdict_entry *entry)
{
	pthread_mutex_destroy(&entry->lock);
	memory_give(entry->pipeline);
	memory_give(entry->step);
	memory_give(entry);
}

void verdict_board_close(struct verdict_board *board)
{
	if (!board)
		return;
	for (struct verdict_entry *entry = board->entries, *next; entry; entry = next) {
		next = entry->next;
		entry_close(entry);
	}
	pthread_mutex_destroy(&board->lock);
	memory_give(board);
}

static char *name_copy(const char *name)
{
	const size_t size = strlen(name) + 1;
	char *copy = memory_take(size, 1);
	if (copy)
		memcpy(copy, name, size);
	return copy;
}

static struct verdict_entry *entry_open(const char *pipeline, const char *step)
{
	struct verdict_entry *entry = memory_take(1, sizeof *entry);
	if (!entry)
		return NULL;
	pthread_mutex_init(&entry->lock, NULL);
	entry->pipeline = name_copy(pipeline);
	entry->step = name_copy(step);
	if (entry->pipeline && entry->step)
		return entry;
	entry_close(entry);
	return NULL;
}

struct verdict_entry *verdict_board_entry(struct verdict_board *board, const char *pipeline, const char *step)
{
	if (!board)
		return NULL;
	pthread_mutex_lock(&board->lock);
	struct verdict_entry *entry = board->entries;
	while (entry && (strcmp(entry->pipeline, pipeline) != 0 || strcmp(entry->step, step) != 0))
		entry = entry->next;
	if (!entry && (entry = entry_open(pipeline, step))) {
		entry->next = board->entries;
		board->entries = entry;
	}
	pthread_mutex_unlock(&board->lock);
	return entry;
}

void verdict_entry_set(struct verdict_entry *entry, struct last_verdict last)
{
	pthread_mutex_lock(&entry->lock);
	entry->last = last;
	pthread_mutex_unlock(&entry->lock);
}

struct last_verdict verdict_entry_get(struct verdict_entry *entry)
{
	pthread_mutex_lock(&entry->lock);
	const struct last_verdict last = entry->last;
	pthread_mutex_unlock(&entry->lock);
	return last;
}
