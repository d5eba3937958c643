/* held_links.c: see held_links.h. */
#include "engine/outputs/held_links.h"

#include <assert.h>

#include "base/memory.h"

/* A piece of memory that is filled from its begin; `begin` NULL: its bytes are only counted. */
struct piece {
	char *begin;
	size_t used;
};

#define PIECE_GRAIN alignof(max_align_t)

static void *piece_take(struct piece *piece, size_t size)
{
	void *taken = piece->begin ? piece->begin + piece->used : NULL;
	piece->used += (size + PIECE_GRAIN - 1) / PIECE_GRAIN * PIECE_GRAIN;
	return taken;
}

static void *piece_copy(struct piece *piece, const void *bytes, size_t size)
{
	void *copy = piece_take(piece, size);
	return copy && size > 0 ? memcpy(copy, bytes, size) : copy;
}

/* A text without bytes stays one. */
static struct text piece_text(struct piece *piece, struct text text)
{
	return (struct text){text.bytes ? piece_copy(piece, text.bytes, text.length) : NULL, text.length};
}

static struct parameters piece_parameters(struct piece *piece, struct parameters parameters)
{
	struct parameter *items = piece_copy(piece, parameters.items, parameters.count * sizeof *items);
	for (size_t i = 0; i < parameters.count; i++) {
		const struct parameter *from = &parameters.items[i];
		const struct text name = piece_text(piece, from->name);
		const struct text value = from->type == PARAMETER_TEXT ? piece_text(piece, from->value.text) : (struct text){"", 0};
		if (!items)
			continue;
		items[i].name = name;
		if (from->type == PARAMETER_TEXT)
			items[i].value.text = value;
	}
	return (struct parameters){parameters.count, items};
}

/* What slice_add() reads of it. */
static const struct tensor *piece_tensor(struct piece *piece, const struct tensor *from)
{
	const struct tensor copied = {.name = piece_text(piece, from->name),
				      .datatype = from->datatype,
				      .count = from->count,
				      .parameters = piece_parameters(piece, from->parameters),
				      .data = piece_copy(piece, from->data, tensor_size_bytes(from))};
	return piece_copy(piece, &copied, sizeof copied);
}

static const struct message *piece_message(struct piece *piece, const struct message *from)
{
	const struct carried carried = {.answered = from->carried->answered};
	const struct message copied = {
		.id = piece_text(piece, from->id),
		.origin = {piece_text(piece, from->origin.topic), from->origin.partition, from->origin.offset},
		.time_ms = from->time_ms,
		.format = from->format,
		.carried = piece_copy(piece, &carried, sizeof carried)};
	return piece_copy(piece, &copied, sizeof copied);
}

static const struct slice_row *piece_slice_row(struct piece *piece, const struct slice_row *from)
{
	struct slice_row copied = {.form = from->form, .requests = from->requests};
	for (size_t i = 0; i < from->form.observers; i++) {
		const struct given given = {.step = piece_text(piece, from->results[i]->step),
					    .left_out = from->results[i]->left_out};
		copied.results[i] = piece_copy(piece, &given, sizeof given);
	}
	for (size_t i = 0; i < from->form.tensor_count; i++)
		copied.tensors[i] = piece_tensor(piece, from->tensors[i]);
	return piece_copy(piece, &copied, sizeof copied);
}

static const char *const *piece_names(struct piece *piece, const char *const *names, size_t count)
{
	const char **copied = piece_take(piece, count * sizeof *copied);
	for (size_t i = 0; i < count; i++) {
		const char *name = piece_copy(piece, names[i], strlen(names[i]) + 1);
		if (copied)
			copied[i] = name;
	}
	return copied;
}

static void piece_row(struct piece *piece, struct slices_row *row, const struct slices_row *from)
{
	*row = (struct slices_row){
		.topic = from->topic,
		.key = piece_text(piece, from->key),
		.observers = piece_names(piece, from->observers, from->row->form.observers),
		.message = piece_message(piece, from->message),
		.row = piece_slice_row(piece, from->row),
		.link = {.from = piece_text(piece, from->link.from), .deployment = from->link.deployment},
		.stage = from->stage,
	};
}

static struct held_link *link_make(size_t bytes)
{
	struct held_link *link = memory_take_raw(bytes);
	if (link)
		*link = (struct held_link){.bytes = bytes};
	return link;
}

struct held_link *held_link_of_row(const struct slices_row *row)
{
	struct piece piece = {0};
	struct slices_row counted;
	(void)piece_take(&piece, sizeof(struct held_link));
	piece_row(&piece, &counted, row);
	struct held_link *link = link_make(piece.used);
	if (!link)
		return NULL;
	piece = (struct piece){.begin = (char *)link};
	(void)piece_take(&piece, sizeof *link);
	link->is_row = true;
	piece_row(&piece, &link->row, row);
	return link;
}

struct held_link *held_link_of_record(const struct outgoing *record)
{
	assert(record->headers.count == 0);
	struct piece piece = {0};
	(void)piece_take(&piece, sizeof(struct held_link));
	(void)piece_text(&piece, record->key);
	(void)piece_text(&piece, record->value);
	struct held_link *link = link_make(piece.used);
	if (!link)
		return NULL;
	piece = (struct piece){.begin = (char *)link};
	(void)piece_take(&piece, sizeof *link);
	link->record = *record;
	link->record.key = piece_text(&piece, record->key);
	link->record.value = piece_text(&piece, record->value);
	return link;
}

void held_links_add(struct held_links *links, struct held_link *link, uint64_t place, int64_t now_ms)
{
	struct list_node *behind = links->list.last;
	while (behind && LIST_OWNER(behind, struct held_link, node)->place > place)
		behind = behind->previous;
	if (!links->list.first)
		links->since_ms = now_ms;
	link->since_ms = now_ms;
	link->place = place;
	links->bytes += link->bytes;
	list_add_behind(&links->list, behind, &link->node);
}

const struct held_link *held_links_last_since(struct held_links *links, int64_t ms)
{
	const struct held_link *last = NULL;
	int64_t oldest_ms = INT64_MAX;
	if (!links->list.first || links->since_ms > ms)
		return NULL;
	for (const struct list_node *at = links->list.first; at; at = at->next) {
		const struct held_link *link = LIST_OWNER(at, struct held_link, node);
		oldest_ms = link->since_ms < oldest_ms ? link->since_ms : oldest_ms;
		last = link->since_ms <= ms ? link : last;
	}
	links->since_ms = oldest_ms;
	return last;
}

size_t held_links_drop_first(struct held_links *links)
{
	struct held_link *link = held_links_first(links);
	const size_t bytes = link->bytes;
	links->bytes -= bytes;
	list_remove(&link->node);
	memory_give(link);
	return bytes;
}
