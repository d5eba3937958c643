/* artifact_test.c: Tests of files that go with documents: their chunks, labels, topic and cache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/artifacts/artifact_cache.h"
#include "control/artifacts/artifact_topic.h"
#include "control/artifacts/artifact_writer.h"
#include "control/engine/document_files.h"
#include "tests/unit/session.h"
#include "tests/unit/mock_broker.h"

#define PATH_BYTES 512
#define TOPIC "sluice.default.artifacts"
#define SHA_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* FIPS 180-2, B.1 */
#define SHA_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct arena *arena;
static struct mock mock;
static struct artifact_topic topic;
static struct artifact_writer *writer; /* NULL: the test has written nothing yet */
static char folder[] = "/tmp/artifact_test.XXXXXX";
static struct error error;

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
	arena = arena_open((size_t)200 << 20);
	memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
	return arena && mkdtemp(folder) ? 0 : 1;
}

static int tear_down(void **state)
{
	char line[PATH_BYTES];
	(void)state;
	arena_close(arena);
	(void)snprintf(line, sizeof line, "rm -r %s", folder);
	return system(line);
}

static int broker_set_up(void **state)
{
	writer = NULL;
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, TOPIC, 1, 1);
	topic = (struct artifact_topic){.brokers = mock.brokers, .consumer = mock_quick, .producer = mock_quick, .name = TOPIC};
	return set_up(state);
}

static int broker_tear_down(void **state)
{
	artifact_writer_close(writer);
	mock_close(&mock);
	return tear_down(state);
}

static bool written(struct text content)
{
	writer = writer ? writer : artifact_writer_open(&topic, &error);
	return writer && artifact_writer_put(writer, content, &error) && artifact_writer_settle(writer, &error);
}

/* Content of that size, in which no two chunks are equal. */
static struct text content_of(size_t size, unsigned seed)
{
	char *bytes = ARENA_ARRAY(arena, char, size + 1);
	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(seed + i / 251 + i % 251);
	return (struct text){bytes, size};
}

static size_t files_in(const char *path)
{
	size_t count = 0;
	DIR *listing = opendir(path);
	assert_non_null(listing);
	for (struct dirent *entry; (entry = readdir(listing));)
		count += entry->d_name[0] != '.';
	closedir(listing);
	return count;
}

/* ---- chunks, keys and labels ---- */

static void a_file_is_as_many_chunks_as_it_needs(void **state)
{
	static const struct {
		size_t size, chunks;
	} cases[] = {{0, 1}, {1, 1}, {524287, 1}, {524288, 1}, {524289, 2}, {1048576, 2}, {67108864 - 1, 128}, {67108864, 128}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct artifact artifact = {.size_bytes = cases[i].size};
		size_t sum = 0;
		assert_int_equal(artifact_chunk_count(&artifact), cases[i].chunks);
		for (size_t j = 0; j < cases[i].chunks; j++)
			sum += artifact_slice((struct text){(const char *)&sum, cases[i].size}, j).length;
		assert_int_equal(sum, cases[i].size);
	}
}

static void a_digest_is_that_of_sha256sum(void **state)
{
	(void)state;
	assert_string_equal(artifact_of(TEXT("abc")).digest, SHA_OF_ABC);
	assert_string_equal(artifact_of((struct text){0}).digest, SHA_OF_NOTHING);
}

static void a_key_has_a_digest_and_a_chunk_and_nothing_else(void **state)
{
	static const char *const others[] = {
		"",
		"change@1",
		SHA_OF_ABC,
		SHA_OF_ABC "/",
		SHA_OF_ABC "/128",
		SHA_OF_ABC "/-1",
		SHA_OF_ABC "/1/2",
		"a" SHA_OF_ABC "/1",
		SHA_OF_ABC "a/1",
		"/1",
		"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD/1",
	};
	struct text digest;
	size_t chunk;
	struct buffer key;
	(void)state;
	buffer_open(&key, 1000);
	artifact_key(SHA_OF_ABC, 127, &key);
	assert_true(artifact_key_read(buffer_view(&key), &digest, &chunk));
	assert_int_equal(chunk, 127);
	assert_true(text_is(digest, SHA_OF_ABC));
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (artifact_key_read(text_of(others[i]), &digest, &chunk))
			fail_msg("`%s` is read as a key", others[i]);
	buffer_close(&key);
}

static void a_label_names_a_file_with_its_digest_and_size(void **state)
{
	const struct control_label others[] = {
		{TEXT("sluice.io/folder"), TEXT("sha256:" SHA_OF_ABC "/3")},
		{TEXT("sluice.io/file/a"), TEXT(SHA_OF_ABC "/3")},
		{TEXT("sluice.io/file/a"), TEXT("sha256:" SHA_OF_ABC)},
		{TEXT("sluice.io/file/a"), TEXT("sha256:" SHA_OF_ABC "/67108865")}, /* above 64 MiB */
		{TEXT("sluice.io/file/a"), TEXT("sha256:ba78/3")},
	};
	const struct artifact abc = artifact_of(TEXT("abc"));
	struct control_label label;
	struct artifact read;
	struct text name;
	(void)state;
	assert_true(artifact_label_make("models/a b=c.json", &abc, arena, &label));
	assert_true(artifact_label_read(&label, &name, &read));
	assert_true(text_is(name, "models/a b=c.json"));
	assert_string_equal(read.digest, SHA_OF_ABC);
	assert_int_equal(read.size_bytes, 3);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_false(artifact_label_read(&others[i], &name, &read));
}

/* ---- the collector ---- */

struct stored {
	struct text content;
	size_t placed;
};

static bool chunk_check(void *context, size_t wanted, size_t chunk, struct text bytes, bool *is_good, struct error *reason)
{
	struct stored *stored = context;
	(void)wanted;
	(void)reason;
	stored->placed++;
	*is_good = text_equal(bytes, artifact_slice(stored->content, chunk));
	return true;
}

static struct collected_artifact wanted[1];
static struct stored stored;
static struct artifact_collector collector;

static void collector_begin(struct text content)
{
	stored = (struct stored){content, 0};
	wanted[0] = (struct collected_artifact){.artifact = artifact_of(content)};
	collector = (struct artifact_collector){1, wanted, chunk_check, &stored, arena_open((size_t)1 << 20)};
}

/* A record of that key with that chunk. */
static void collect(size_t number, const struct artifact_chunk *chunk)
{
	struct buffer key, value;
	buffer_open(&key, 1000);
	buffer_open(&value, (size_t)1 << 20);
	artifact_key(wanted[0].artifact.digest, number, &key);
	if (chunk)
		assert_true(record_encode(&artifact_form, chunk, &value, &error));
	assert_true(artifact_collect(&collector, buffer_view(&key), chunk ? buffer_view(&value) : (struct text){0}, &error));
	buffer_close(&key);
	buffer_close(&value);
}

static struct artifact_chunk chunk_of(size_t number)
{
	return (struct artifact_chunk){text_of(wanted[0].artifact.digest), (int64_t)number, (int64_t)stored.content.length,
				       artifact_slice(stored.content, number)};
}

static void expect_missing(size_t expected)
{
	size_t missing;
	assert_false(artifact_is_whole(&wanted[0], &missing));
	assert_int_equal(missing, expected);
}

static void chunks_come_in_any_order_and_a_missing_one_is_named(void **state)
{
	(void)state;
	collector_begin(content_of(3 * ARTIFACT_CHUNK_BYTES + 7, 1));
	static const size_t order[] = {3, 0, 2, 3};
	for (size_t i = 0; i < 4; i++) {
		const struct artifact_chunk chunk = chunk_of(order[i]);
		collect(order[i], &chunk);
	}
	expect_missing(1);
	const struct artifact_chunk last = chunk_of(1);
	collect(1, &last);
	assert_true(artifact_is_whole(&wanted[0], NULL));
	collect(2, NULL); /* a tombstone */
	expect_missing(2);
	arena_close(collector.arena);
}

static void the_largest_file_is_collected(void **state)
{
	(void)state;
	collector_begin(content_of(ARTIFACT_BYTES_MAX, 1));
	for (size_t i = 0; i < ARTIFACT_CHUNKS_MAX; i++) {
		assert_false(artifact_is_whole(&wanted[0], NULL));
		const struct artifact_chunk chunk = chunk_of(i);
		collect(i, &chunk);
	}
	assert_true(artifact_is_whole(&wanted[0], NULL));
	assert_int_equal(stored.placed, 128);
	arena_close(collector.arena);
}

static void a_record_that_is_no_such_chunk_is_as_if_it_were_missing(void **state)
{
	(void)state;
	collector_begin(content_of(ARTIFACT_CHUNK_BYTES + 7, 1));
	const struct artifact_chunk good[] = {chunk_of(0), chunk_of(1)};
	struct artifact_chunk bad[6] = {good[0], good[0], good[0], good[0], good[0], good[0]};
	bad[0].digest = TEXT(SHA_OF_ABC);
	bad[1].chunk = 1;
	bad[2].size_bytes++;
	bad[3].bytes.length--;
	bad[4].bytes = good[1].bytes;
	bad[5].bytes = content_of(ARTIFACT_CHUNK_BYTES, 2); /* of the right size; `place` sees it */
	collect(1, &good[1]);
	for (size_t i = 0; i < 6; i++) {
		collect(0, &good[0]);
		assert_true(artifact_is_whole(&wanted[0], NULL));
		collect(0, &bad[i]);
		expect_missing(0);
	}
	collect(0, &good[0]);
	collect(2, &good[0]); /* the file has no such chunk */
	assert_true(artifact_is_whole(&wanted[0], NULL));
	arena_close(collector.arena);
}

static void bytes_that_are_no_record_are_as_if_they_were_missing(void **state)
{
	char key[100];
	(void)state;
	collector_begin(TEXT("abc"));
	const struct artifact_chunk good = chunk_of(0);
	collect(0, &good);
	(void)snprintf(key, sizeof key, "%s/0", SHA_OF_ABC);
	assert_true(artifact_collect(&collector, text_of(key), TEXT("garbage"), &error));
	expect_missing(0);
	assert_true(artifact_collect(&collector, TEXT("a key"), TEXT("garbage"), &error));
	assert_true(artifact_collect(&collector, (struct text){0}, TEXT("garbage"), &error));
	arena_close(collector.arena);
}

/* ---- the cache ---- */

static void a_download_gets_its_name_when_it_has_its_digest(void **state)
{
	char below[PATH_BYTES];
	const struct artifact abc = artifact_of(TEXT("abc"));
	(void)state;
	(void)snprintf(below, sizeof below, "%s/x/y/z", folder);
	assert_true(artifact_folder_make(below, &error));
	assert_true(artifact_folder_make(below, &error));
	struct artifact_download *download = artifact_download_begin(below, &abc, &error);
	assert_non_null(download);
	assert_true(artifact_download_write(download, 1, TEXT("bc"), &error));
	assert_false(artifact_is_cached(below, &abc));
	assert_true(artifact_download_write(download, 0, TEXT("a"), &error));
	assert_true(artifact_download_keep(download, &error));
	assert_true(artifact_is_cached(below, &abc));
	assert_int_equal(files_in(below), 1);
}

static void bytes_with_another_digest_get_no_name(void **state)
{
	const struct artifact abc = artifact_of(TEXT("abc"));
	(void)state;
	struct artifact_download *download = artifact_download_begin(folder, &abc, &error);
	assert_true(artifact_download_write(download, 0, TEXT("abd"), &error));
	assert_false(artifact_download_keep(download, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_non_null(strstr(error.text, "its bytes do not have the SHA-256 " SHA_OF_ABC));
	assert_int_equal(files_in(folder), 0);
}

static void a_file_that_is_not_what_its_name_says_is_removed(void **state)
{
	static const char *const others[] = {"abd", "ab", "abcd", ""};
	char path[PATH_BYTES];
	const struct artifact abc = artifact_of(TEXT("abc"));
	(void)state;
	(void)snprintf(path, sizeof path, "%s/%s", folder, SHA_OF_ABC);
	for (size_t i = 0; i < 4; i++) {
		write_file(path, others[i]);
		assert_false(artifact_is_cached(folder, &abc));
		assert_int_equal(files_in(folder), 0);
	}
	write_file(path, "abc");
	assert_true(artifact_is_cached(folder, &abc));
}

/* A limit of the size of files stands for a full disk. */
static void a_full_disk_is_told_with_the_path(void **state)
{
	const struct artifact large = {.digest = SHA_OF_ABC, .size_bytes = 100000};
	struct rlimit before, small;
	(void)state;
	struct text content = content_of(100000, 1);
	struct artifact_download *download = artifact_download_begin(folder, &large, &error);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){50000, before.rlim_max};
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	bool good = artifact_download_write(download, 0, content, &error);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_false(good);
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, folder));
	assert_non_null(strstr(error.text, "cannot be written: File too large"));
	artifact_download_drop(download);
	assert_int_equal(files_in(folder), 0);
}

static void a_folder_that_cannot_be_used_is_named(void **state)
{
	char path[PATH_BYTES];
	(void)state;
	(void)snprintf(path, sizeof path, "%s/file", folder);
	write_file(path, "");
	(void)snprintf(path, sizeof path, "%s/file/below", folder);
	assert_false(artifact_folder_make(path, &error));
	assert_non_null(strstr(error.text, path));
	assert_non_null(strstr(error.text, "Not a directory; name another one with --artifacts"));
}

static bool is_abc(void *context, const char *digest)
{
	(void)context;
	return strcmp(digest, SHA_OF_ABC) == 0;
}

static void a_sweep_leaves_what_is_needed_and_what_is_new(void **state)
{
	static const char *const names[] = {SHA_OF_ABC, SHA_OF_NOTHING, SHA_OF_NOTHING ".7-1.new", "somebody.else"};
	char path[PATH_BYTES];
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		write_file(path, "");
	}
	assert_int_equal(artifact_cache_sweep(folder, is_abc, NULL), 0);
	const struct timespec moment = {.tv_sec = time_of_day_ms() / MS_PER_S - ARTIFACT_SWEEP_AFTER_S - 5};
	const struct timespec old[2] = {moment, moment};
	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	}
	assert_int_equal(artifact_cache_sweep(folder, is_abc, NULL), 2);
	assert_int_equal(files_in(folder), 2);
}

/* ---- the topic ---- */

static bool topic_has(struct text content)
{
	struct artifact_outline *outline = ARENA_NEW(arena, struct artifact_outline);
	bool has;
	artifact_outline_make(content, outline);
	assert_true(artifact_topic_survey(&topic, outline, 1, &has, &(int64_t){0}, &error));
	return has;
}

static void what_was_written_is_found_and_fetched(void **state)
{
	const struct text small = TEXT("abc"), large = content_of(2 * ARTIFACT_CHUNK_BYTES + 1, 3);
	const struct artifact artifacts[] = {artifact_of(small), artifact_of(large), artifact_of(small)};
	size_t lacking;
	(void)state;
	assert_false(topic_has(small));
	assert_true(written(small));
	assert_true(written(large));
	assert_true(written(large)); /* another applier, at the same time */
	assert_true(topic_has(small) && topic_has(large) && !topic_has(TEXT("abd")));
	assert_true(artifact_topic_fetch(&topic, folder, artifacts, 3, &lacking, &error));
	assert_true(artifact_is_cached(folder, &artifacts[0]) && artifact_is_cached(folder, &artifacts[1]));
	assert_int_equal(files_in(folder), 2);
	topic.name = "no-such-topic"; /* nothing is read for what is there */
	assert_true(artifact_topic_fetch(&topic, folder, artifacts, 3, &lacking, &error));
}

static void an_artifact_that_lacks_a_chunk_is_named_and_the_others_come(void **state)
{
	char key[100];
	const struct text large = content_of(2 * ARTIFACT_CHUNK_BYTES + 1, 3);
	const struct artifact artifacts[] = {artifact_of(large), artifact_of(TEXT("abc")), artifact_of(TEXT("never"))};
	size_t lacking;
	(void)state;
	assert_true(written(large) && written(TEXT("abc")));
	(void)snprintf(key, sizeof key, "%s/1", artifacts[0].digest);
	mock_append(&mock, TOPIC, text_of(key), (struct text){0});
	assert_false(topic_has(large));
	assert_false(artifact_topic_fetch(&topic, folder, artifacts, 3, &lacking, &error));
	assert_int_equal(lacking, 0);
	assert_non_null(strstr(error.text, TOPIC " lacks chunk 2 of its 3 (SHA-256 "));
	assert_true(artifact_is_cached(folder, &artifacts[1]));
	assert_int_equal(files_in(folder), 1);
	assert_true(written(large));
	error = (struct error){0};
	assert_false(artifact_topic_fetch(&topic, folder, artifacts, 3, &lacking, &error));
	assert_int_equal(lacking, 2);
	assert_int_equal(files_in(folder), 2);
}

static void a_chunk_with_other_bytes_is_a_lying_digest_and_is_written_again(void **state)
{
	char key[100];
	struct buffer value;
	const struct artifact abc = artifact_of(TEXT("abc"));
	const struct artifact_chunk lie = {TEXT(SHA_OF_ABC), 0, 3, TEXT("abd")};
	size_t lacking;
	(void)state;
	buffer_open(&value, 1000);
	assert_true(record_encode(&artifact_form, &lie, &value, &error));
	(void)snprintf(key, sizeof key, "%s/0", SHA_OF_ABC);
	mock_append(&mock, TOPIC, text_of(key), buffer_view(&value));
	assert_false(artifact_topic_fetch(&topic, folder, &abc, 1, &lacking, &error));
	assert_non_null(
		strstr(error.text, "what " TOPIC " has of it is another file: its bytes do not have the SHA-256 " SHA_OF_ABC));
	assert_int_equal(files_in(folder), 0);
	assert_false(topic_has(TEXT("abc"))); /* so the next apply writes it */
	assert_true(written(TEXT("abc")) && topic_has(TEXT("abc")));
	error = (struct error){0};
	assert_true(artifact_topic_fetch(&topic, folder, &abc, 1, &lacking, &error));
	buffer_close(&value);
}

static void fold_version(struct ledger *ledger, int64_t number, const struct control_label *label)
{
	struct buffer key, value;
	const struct control_version version = {.kind = TEXT("Pipeline"),
						.name = TEXT("p"),
						.namespace = TEXT("default"),
						.version = number,
						.change = number,
						.labels = {label ? 1 : 0, label}};
	buffer_open(&key, 1000);
	buffer_open(&value, 10000);
	version_key(version.kind, version.name, number, &key);
	assert_true(record_encode(&version_form, &version, &value, &error));
	assert_true(ledger_fold(ledger, buffer_view(&key), buffer_view(&value), time_of_day_ms(), &error));
	buffer_close(&key);
	buffer_close(&value);
}

static void a_sweep_drops_what_no_kept_version_names_unless_it_is_new(void **state)
{
	const struct artifact abc = artifact_of(TEXT("abc"));
	struct control_label label;
	struct ledger ledger;
	size_t removed, kept;
	const int64_t now_ms = time_of_day_ms(), later_ms = now_ms + 60000;
	const struct text large = content_of(2 * ARTIFACT_CHUNK_BYTES + 1, 3);
	(void)state;
	assert_true(ledger_open(&ledger, "default", &error) && artifact_label_make("a", &abc, arena, &label));
	fold_version(&ledger, 1, &label);
	fold_version(&ledger, 2, NULL);
	assert_true(written(TEXT("abc")) && written(large));
	mock_append(&mock, TOPIC, TEXT("somebody else's"), TEXT("x"));
	assert_true(artifact_topic_sweep(&topic, &ledger, now_ms - 60000, &removed, &kept, &error));
	assert_true(removed == 0 && kept == 2);
	assert_true(artifact_topic_sweep(&topic, &ledger, later_ms, &removed, &kept, &error));
	assert_true(removed == 1 && kept == 1);
	assert_true(topic_has(TEXT("abc")) && !topic_has(large));
	assert_true(artifact_topic_sweep(&topic, &ledger, later_ms, &removed, &kept, &error));
	assert_true(removed == 0 && kept == 1); /* what is removed is not counted again */
	assert_true(ledger_fold(&ledger, TEXT("Pipeline/p@1"), (struct text){0}, now_ms, &error));
	assert_true(artifact_topic_sweep(&topic, &ledger, later_ms, &removed, &kept, &error));
	assert_true(removed == 1 && kept == 0);
	assert_false(topic_has(TEXT("abc")));
	ledger_close(&ledger);
}

/* ---- the files of documents in an engine ---- */

static void files_of_documents_are_fetched_and_get_aliases(void **state)
{
	struct document_file of_documents[] = {{"Pipeline/p@3", "models/m.json", artifact_of(TEXT("abc"))},
					       {"Pipeline/q@1", "gone.json", artifact_of(TEXT("gone"))}};
	struct control_documents documents = {.files = of_documents, .file_count = 1};
	struct file_alias *aliases;
	char path[PATH_BYTES];
	(void)state;
	assert_true(written(TEXT("abc")));
	assert_true(document_files_fetch(&documents, &topic, folder, arena, &aliases, &error));
	(void)snprintf(path, sizeof path, "%s/%s", folder, SHA_OF_ABC);
	assert_string_equal(aliases[0].path, path);
	assert_string_equal(aliases[0].document, "Pipeline/p@3");
	assert_string_equal(aliases[0].digest, SHA_OF_ABC);
	documents.file_count = 2;
	assert_false(document_files_fetch(&documents, &topic, folder, arena, &aliases, &error));
	assert_int_equal(error.kind, ERROR_REMOTE); /* it is tried again */
	assert_non_null(strstr(error.text, "Pipeline/q@1 names the file gone.json, which is not here: " TOPIC " lacks chunk 1 of"));
	assert_non_null(strstr(error.text, "; apply the document again from a folder that has the file"));
}

static void without_files_neither_folder_nor_topic_is_needed(void **state)
{
	const struct control_documents documents = {0};
	const struct artifact_topic nowhere = {.brokers = "127.0.0.1:1", .name = TOPIC};
	struct file_alias *aliases;
	(void)state;
	assert_true(document_files_fetch(&documents, &nowhere, "/dev/null/x", arena, &aliases, &error));
}

static void a_folder_for_files_has_a_default(void **state)
{
	char expected[PATH_BYTES];
	(void)state;
	assert_string_equal(document_files_folder("/a", "/b", "shop", arena), "/a/shop");
	assert_string_equal(document_files_folder(NULL, "/b", "shop", arena), "/b/artifacts/shop");
	assert_int_equal(setenv("TMPDIR", "/t", 1), 0);
	(void)snprintf(expected, sizeof expected, "/t/sluice-%lu/artifacts/shop", (unsigned long)getuid());
	assert_string_equal(document_files_folder(NULL, NULL, "shop", arena), expected);
	assert_int_equal(unsetenv("TMPDIR"), 0);
	(void)snprintf(expected, sizeof expected, "/tmp/sluice-%lu/artifacts/shop", (unsigned long)getuid());
	assert_string_equal(document_files_folder(NULL, NULL, "shop", arena), expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_as_many_chunks_as_it_needs),
		cmocka_unit_test(a_digest_is_that_of_sha256sum),
		cmocka_unit_test(a_key_has_a_digest_and_a_chunk_and_nothing_else),
		cmocka_unit_test_setup_teardown(a_label_names_a_file_with_its_digest_and_size, set_up, tear_down),
		cmocka_unit_test_setup_teardown(chunks_come_in_any_order_and_a_missing_one_is_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_largest_file_is_collected, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_record_that_is_no_such_chunk_is_as_if_it_were_missing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bytes_that_are_no_record_are_as_if_they_were_missing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_download_gets_its_name_when_it_has_its_digest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bytes_with_another_digest_get_no_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_is_not_what_its_name_says_is_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_disk_is_told_with_the_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_used_is_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_sweep_leaves_what_is_needed_and_what_is_new, set_up, tear_down),
		cmocka_unit_test_setup_teardown(files_of_documents_are_fetched_and_get_aliases, broker_set_up, broker_tear_down),
		cmocka_unit_test_setup_teardown(without_files_neither_folder_nor_topic_is_needed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_folder_for_files_has_a_default, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_written_is_found_and_fetched, broker_set_up, broker_tear_down),
		cmocka_unit_test_setup_teardown(an_artifact_that_lacks_a_chunk_is_named_and_the_others_come, broker_set_up,
						broker_tear_down),
		cmocka_unit_test_setup_teardown(a_chunk_with_other_bytes_is_a_lying_digest_and_is_written_again, broker_set_up,
						broker_tear_down),
		cmocka_unit_test_setup_teardown(a_sweep_drops_what_no_kept_version_names_unless_it_is_new, broker_set_up,
						broker_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
