/* truth_link.c: see truth_link.h. */
#include "message/records/truth_link.h"

#include "message/records/answer_label.h"

#define MEMBERS 3 /* tensors of a truth: the request, the accuracy, the numbers */

/* ---- feedback ---- */

/* False: it is no tensor of numbers, or memory ran out. */
static bool numbers_take(const struct tensors *tensors, struct arena *arena, struct truth_link *truth)
{
	const struct tensor *tensor = tensors->count == 1 ? tensors->items[0] : NULL;
	double *numbers = tensor && tensor->datatype != DATATYPE_BYTES ? ARENA_ARRAY(arena, double, tensor->count + 1) : NULL;
	if (!numbers || tensor->count == 0)
		return false;
	for (size_t i = 0; i < tensor->count; i++)
		numbers[i] = tensor_number(tensor, i);
	truth->count = tensor->count;
	truth->numbers = numbers;
	return true;
}

bool truth_link_make(const struct feedback *feedback, struct arena *arena, struct truth_link *truth)
{
	if (feedback->id.length == 0 && feedback->origin.topic.length == 0)
		return false;
	const struct text key = feedback_key(feedback, arena);
	*truth = (struct truth_link){.accuracy = feedback_metric_value(feedback, TEXT(ACCURACY_METRIC))};
	const bool has_numbers = numbers_take(&feedback->truth, arena, truth);
	if (!key.bytes || (!has_numbers && isnan(truth->accuracy)))
		return false;
	truth->request = request_hash(key);
	return true;
}

struct truth_link truth_link_of_time(void)
{
	return (struct truth_link){.request = request_hash(TEXT("")), .accuracy = (double)NAN}; /* no request has that id */
}

/* ---- the message ---- */

static void member_add(struct tensors_builder *list, struct text name, enum datatype datatype, const void *data, size_t count)
{
	struct tensor *tensor = ARENA_NEW(list->arena, struct tensor);
	int64_t *shape = ARENA_ARRAY(list->arena, int64_t, 1);
	if (!tensor || !shape)
		return;
	shape[0] = (int64_t)count;
	*tensor = (struct tensor){.name = name, .datatype = datatype, .shape = shape, .rank = 1, .count = count, .data = data};
	tensors_add(list, tensor);
}

void truth_link_give(const struct truth_link *truth, struct text watched, struct text observer, uint64_t next, struct arena *arena,
		     struct given *items)
{
	struct tensors_builder list;
	struct payload *payload = ARENA_NEW(arena, struct payload);
	tensors_begin(&list, arena, MEMBERS);
	member_add(&list, TEXT("request"), DATATYPE_UINT64, &truth->request, 1);
	member_add(&list, TEXT("accuracy"), DATATYPE_FP64, &truth->accuracy, 1);
	if (truth->count > 0)
		member_add(&list, TEXT("numbers"), DATATYPE_FP64, truth->numbers, truth->count);
	if (payload)
		payload->tensors = tensors_end(&list);
	items[0] = (struct given){.step = watched, .inputs = true, .state = GIVEN_CAME, .payload = payload, .next = next};
	items[1] = (struct given){.step = observer, .inputs = true, .state = GIVEN_CAME, .payload = payload, .next = next};
}

static bool member_is(const struct tensor *tensor, enum datatype datatype, struct text name)
{
	return tensor->datatype == datatype && text_equal(tensor->name, name);
}

bool truth_link_read(const struct message *message, const char *observer, struct truth_link *truth)
{
	const struct carried *carried = message->carried;
	for (size_t i = 0; carried && i < carried->count; i++) {
		const struct given *given = &carried->items[i];
		if (!given->inputs || given->state != GIVEN_CAME || !text_is(given->step, observer))
			continue;
		const struct tensors tensors = given->payload->tensors;
		if (tensors.count < 2 || tensors.count > MEMBERS || tensors.items[0]->count != 1 || tensors.items[1]->count != 1 ||
		    !member_is(tensors.items[0], DATATYPE_UINT64, TEXT("request")) ||
		    !member_is(tensors.items[1], DATATYPE_FP64, TEXT("accuracy")))
			continue;
		*truth = (struct truth_link){0};
		memcpy(&truth->request, tensors.items[0]->data, sizeof truth->request);
		memcpy(&truth->accuracy, tensors.items[1]->data, sizeof truth->accuracy);
		if (tensors.count == MEMBERS && member_is(tensors.items[2], DATATYPE_FP64, TEXT("numbers"))) {
			truth->count = tensors.items[2]->count;
			truth->numbers = tensors.items[2]->data;
		}
		return true;
	}
	return false;
}
