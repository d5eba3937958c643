/* control_fuzz.c: hostile bytes on the topics of the control plane. The first byte chooses: a proposal or a report
 * reaches a keeper that has accepted something, or a record reaches the ledger. Nothing crashes; what a keeper writes
 * can be folded by another, and comes to the same.
 *
 * seeds: tests/data/control/[a-z]*.bin
 */
#include <stdlib.h>

#include "control/engine/control_reader.h"
#include "message/avro/schemas.h"
#include "mutate.h"

#define NOW_MS 1700000000000
#define LATEST_MS (NOW_MS + 3 * KEEPER_DEADLINE_MS)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct keeper_options options = {.namespace = "default", .engine = "engine-1"};

static void must(bool good)
{
	if (!good)
		abort();
}

/* Folds what the keeper wrote. */
static void follow(const struct keeper *keeper, struct control_reader *reader)
{
	const struct keeper_record *records;
	struct error error = {0};
	size_t count = keeper_records(keeper, &records);
	for (size_t i = 0; i < count; i++)
		must(control_reader_take(reader, records[i].key, records[i].value, NOW_MS, &error));
}

static struct text encoded(struct buffer *out, const struct record_form *form, const void *record)
{
	struct error error = {0};
	buffer_clear(out);
	must(record_encode(form, record, out, &error));
	return buffer_view(out);
}

static void keeper_run(struct text bytes, bool reports)
{
	const struct proposal_item item = {.kind = TEXT("Pipeline"), .name = TEXT("p"), .document = TEXT("a: 1")};
	const struct proposal first = {.id = TEXT("x"), .namespace = TEXT("default"), .time_ms = NOW_MS, .items = {1, &item}};
	struct control_reader reader;
	struct buffer out;
	struct error error = {0};
	struct keeper *keeper = keeper_open(&options, &error);
	buffer_open(&out, 1 << 20);
	must(keeper && control_reader_open(&reader, "default", NOW_MS, &error));
	must(keeper_begin(keeper, NOW_MS, &error));
	follow(keeper, &reader);
	must(keeper_propose(keeper, 0, encoded(&out, &proposal_form, &first), NOW_MS, &error));
	follow(keeper, &reader);
	must(reports ? keeper_report(keeper, bytes, NOW_MS, &error) : keeper_propose(keeper, 1, bytes, NOW_MS, &error));
	follow(keeper, &reader);
	for (int64_t now_ms = NOW_MS; keeper_due(keeper) != INT64_MAX && now_ms < LATEST_MS; now_ms += 1000) {
		must(keeper_tick(keeper, now_ms, &error));
		follow(keeper, &reader);
	}
	const struct ledger *ledger = keeper_ledger(keeper);
	must(control_reader_refused(&reader) == 0 && control_reader_is_whole(&reader, &error));
	must(ledger->accepted == 0 && reader.ledger.accepted == 0 && ledger->activations == reader.ledger.activations);
	must(ledger->verdict_count == reader.ledger.verdict_count && ledger->last_change == reader.ledger.last_change);
	control_reader_close(&reader);
	keeper_close(keeper);
	buffer_close(&out);
}

/* The key is what stands before the first NUL. */
static void ledger_run(struct text bytes)
{
	struct control_reader reader;
	struct error error = {0};
	const char *end = memchr(bytes.bytes, 0, bytes.length);
	size_t length = end ? (size_t)(end - bytes.bytes) : bytes.length;
	struct text key = {bytes.bytes, length};
	struct text value = {end ? end + 1 : NULL, end ? bytes.length - length - 1 : 0};
	must(control_reader_open(&reader, "default", NOW_MS, &error));
	for (int i = 0; i < 2; i++)
		must(control_reader_take(&reader, key, value, NOW_MS, &error));
	(void)control_reader_is_whole(&reader, &error);
	error = (struct error){0};
	must(control_reader_take(&reader, key, (struct text){0}, NOW_MS, &error));
	must(!reader.ledger.resources.first && !reader.ledger.changes.first && !reader.ledger.verdicts.first);
	control_reader_close(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct text bytes = {(const char *)data + 1, size - 1};
	if (data[0] % 3 == 2)
		ledger_run(bytes);
	else
		keeper_run(bytes, data[0] % 3 == 1);
	return 0;
}

#define FRAME_BYTES 10

/* What a record holds changes, behind its frame; of the ledger the key stands before that. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const char *const schemas[] = {"proposal", "report", "control", "change", "verdict"};
	const struct record_form *const forms[] = {&proposal_form, &report_form, &version_form, &change_form, &verdict_form};
	const uint8_t *nul = size > 1 && data[0] % 3 == 2 ? memchr(data + 1, 0, size - 1) : NULL;
	size_t head = 1 + (nul ? (size_t)(nul - data) : 0) + FRAME_BYTES;
	if (size <= head)
		return LLVMFuzzerMutate(data, size, max);
	uint64_t schema = record_schema((struct text){(const char *)data + head - FRAME_BYTES, size - head + FRAME_BYTES});
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (schema == record_fingerprint(forms[i]))
			return head + mutate_avro(schema_json(schemas[i]), data + head, size - head, max - head, seed);
	return LLVMFuzzerMutate(data, size, max);
}
