/* process_memory_test.c: Tests of the limits of cgroups, and of --memory where it is not given. */
#include "engine/setup/process_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/session.h"

#define MIB ((size_t)1 << 20)

/* Files below the test's folder, as the kernel shows them. */
static void make_folders(const char *path)
{
	char folder[256];
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		(void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
		(void)mkdir(folder, 0700);
	}
}

static void put(const char *path, const char *text)
{
	make_folders(path);
	write_file(path, text);
}

static void the_least_limit_of_version_2_counts(void **state)
{
	(void)state;
	put("second/proc/self/cgroup", "0::/shop/engine\n");
	put("second/sys/fs/cgroup/shop/engine/memory.max", "max\n");
	assert_true(memory_cgroup_limit("second") == SIZE_MAX);
	put("second/sys/fs/cgroup/shop/memory.max", "104857600\n");
	assert_int_equal(memory_cgroup_limit("second"), 100 * MIB);
	put("second/sys/fs/cgroup/shop/engine/memory.max", "52428800\n");
	assert_int_equal(memory_cgroup_limit("second"), 50 * MIB);
}

/* A container sees its own group as the first one, though its path is that of the host. */
static void a_container_has_the_limit_of_its_mount(void **state)
{
	(void)state;
	put("own/proc/self/cgroup", "0::/\n");
	put("own/sys/fs/cgroup/memory.max", "268435456\n");
	assert_int_equal(memory_cgroup_limit("own"), 256 * MIB);
	put("old/proc/self/cgroup", "5:cpu:/docker/1\n4:cpuset,memory:/docker/1\n0::/\n");
	put("old/sys/fs/cgroup/memory/memory.limit_in_bytes", "134217728\n");
	put("old/sys/fs/cgroup/cpu/memory.limit_in_bytes", "1\n");
	assert_int_equal(memory_cgroup_limit("old"), 128 * MIB);
	put("old/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "67108864\n");
	assert_int_equal(memory_cgroup_limit("old"), 64 * MIB);
}

static void without_files_there_is_no_limit(void **state)
{
	(void)state;
	assert_true(memory_cgroup_limit("nowhere") == SIZE_MAX);
	put("odd/proc/self/cgroup", "nonsense\n4:memory\n0::/a\n");
	put("odd/sys/fs/cgroup/a/memory.max", "-1\n");
	assert_true(memory_cgroup_limit("odd") == SIZE_MAX);
}

static void memory_that_is_not_given_is_half_of_a_small_container(void **state)
{
	(void)state;
	assert_int_equal(memory_choose(300 * MIB, 100 * MIB, 1), 300 * MIB);
	assert_int_equal(memory_choose(0, SIZE_MAX, 1), 256 * MIB);
	assert_int_equal(memory_choose(0, 2048 * MIB, 1), 256 * MIB);
	assert_int_equal(memory_choose(0, 200 * MIB, 0), 100 * MIB);
	assert_int_equal(memory_choose(0, 200 * MIB, 4), 25 * MIB);
}

static char logged[512];

static void log_take(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	(void)snprintf(logged, sizeof logged, "%s", line->message);
}

static void a_container_that_is_too_small_is_logged(void **state)
{
	(void)state;
	const struct log_sink sink = {.write = log_take};
	memory_log(&sink, 256 * MIB, 256 * MIB, 306 * MIB);
	memory_log(&sink, 0, 256 * MIB, SIZE_MAX);
	assert_string_equal(logged, "");
	memory_log(&sink, 256 * MIB, 256 * MIB, 305 * MIB);
	assert_non_null(strstr(logged, "--memory is 256 MiB, and the memory limit of the container 305 MiB"));
	memory_log(&sink, 0, 64 * MIB, 128 * MIB);
	assert_non_null(strstr(logged, "--memory is 64 MiB, half of the memory limit of the container"));
}

/* What all polls read at once has the part of the replies that wait. */
static void consumers_of_polls_share_a_part_of_a_gateway(void **state)
{
	(void)state;
	static const struct property users[] = {{"fetch.wait.max.ms", "7"}};
	struct arena *arena = arena_open(1 << 16);
	const struct properties replies = memory_gateway_consumer(128 * MIB, 1, (struct properties){1, users}, arena);
	const struct properties poll = memory_gateway_consumer(128 * MIB, 8, (struct properties){1, users}, arena);
	assert_string_equal(replies.items[0].name, "queued.max.messages.kbytes");
	assert_string_equal(replies.items[0].value, "8192");
	assert_string_equal(poll.items[0].name, "queued.max.messages.kbytes");
	assert_string_equal(poll.items[0].value, "1024");
	assert_string_equal(poll.items[1].name, "fetch.wait.max.ms");
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_limit_of_version_2_counts),
		cmocka_unit_test(a_container_has_the_limit_of_its_mount),
		cmocka_unit_test(without_files_there_is_no_limit),
		cmocka_unit_test(memory_that_is_not_given_is_half_of_a_small_container),
		cmocka_unit_test(a_container_that_is_too_small_is_logged),
		cmocka_unit_test(consumers_of_polls_share_a_part_of_a_gateway),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
