/* snapshot_file_test.c: Tests of who may read what a snapshot holds. */
#include "kafka/state/snapshot_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned mode_of(const char *path)
{
	struct stat status;
	assert_int_equal(stat(path, &status), 0);
	return (unsigned)status.st_mode & 0777U;
}

/* Whatever the umask allows. */
static void a_snapshot_and_its_folder_are_their_owners_alone(void **state)
{
	(void)state;
	char parent[] = "/tmp/sluice-snapshot-file-XXXXXX", folder[64], path[100];
	struct error error = {0};
	mode_t before = umask(0);
	assert_non_null(mkdtemp(parent));
	snprintf(folder, sizeof folder, "%s/state", parent);
	snprintf(path, sizeof path, "%s/t-0.snapshot", folder);
	assert_true(snapshot_folder_check(folder, &error));
	struct snapshot_file *file = snapshot_file_begin(folder, "t", 0, &error);
	assert_non_null(file);
	assert_true(snapshot_file_write(file, TEXT("bytes"), &error));
	assert_true(snapshot_file_keep(file, &error));
	assert_int_equal(mode_of(folder), 0700);
	assert_int_equal(mode_of(path), 0600);
	umask(before);
	unlink(path);
	rmdir(folder);
	rmdir(parent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_snapshot_and_its_folder_are_their_owners_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
