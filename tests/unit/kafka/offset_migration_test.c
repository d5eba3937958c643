/* offset_migration_test.c: Tests of a group that continues at the offsets of another, on a Kafka that does not know at
 * once where groups are. The mock forgets offsets that are committed in a transaction, so only the number of moved
 * offsets is visible here, and what was sent. Nor does it know the members of a group: that question to librdkafka is
 * answered here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "kafka/consume/offset_migration.h"
#include "tests/unit/mock_broker.h"

#define OFFSET_FETCH 9 /* Kafka's numbers of requests */
#define INIT_PRODUCER_ID 22
#define ADD_OFFSETS 25

/* ---- who is in the former group, one answer after the other; the last one stays ---- */

enum told { TOLD_UNSUPPORTED, TOLD_NOBODY, SOURCE_UNKNOWN, TOLD_LOADING, TOLD_MEMBER };

static struct {
	const enum told *told;
	size_t count, looks;
} asked;

static void tell(const enum told *told, size_t count)
{
	asked.told = told;
	asked.count = count;
	asked.looks = 0;
}

/* A member that was given partition 0 of `in`, as Kafka's assignors write it. */
static char assignment[] = "\0\1\0\0\0\1\0\2in\0\0\0\1\0\0\0\0\0\0\0\0";

/* In place of librdkafka's. */
rd_kafka_resp_err_t rd_kafka_list_groups(rd_kafka_t *rk, const char *group, const struct rd_kafka_group_list **grplistp,
					 int timeout_ms)
{
	static struct rd_kafka_group_member_info member = {.member_id = "old.0",
							   .client_host = "/10.0.0.1",
							   .member_assignment = assignment,
							   .member_assignment_size = sizeof assignment - 1};
	static struct rd_kafka_group_info former;
	static const struct rd_kafka_group_list one = {.groups = &former, .group_cnt = 1}, none = {0};
	(void)rk, (void)timeout_ms;
	enum told told = asked.count == 0 ? TOLD_UNSUPPORTED
					  : asked.told[asked.looks < asked.count ? asked.looks : asked.count - 1];
	asked.looks++;
	if (told == TOLD_UNSUPPORTED)
		return RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
	if (told == SOURCE_UNKNOWN)
		return RD_KAFKA_RESP_ERR__TIMED_OUT;
	former = (struct rd_kafka_group_info){.group = (char *)(uintptr_t)group, .state = (char *)(uintptr_t)"Stable"};
	former.err = told == TOLD_LOADING ? RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS : RD_KAFKA_RESP_ERR_NO_ERROR;
	former.members = &member;
	former.member_cnt = told == TOLD_MEMBER;
	*grplistp = told == TOLD_NOBODY ? &none : &one;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void rd_kafka_group_list_destroy(const struct rd_kafka_group_list *list)
{
	(void)list;
}

/* ---- what is sent: partition 0 of `in` for each group, as GROUP@OFFSET METADATA, in lines ---- */

static char sent[1024];
static char group_named[64]; /* by the last group's metadata */

rd_kafka_consumer_group_metadata_t *rd_kafka_consumer_group_metadata_new(const char *group)
{
	rd_kafka_consumer_group_metadata_t *(*make)(const char *);
	void *found = dlsym(RTLD_NEXT, "rd_kafka_consumer_group_metadata_new");
	memcpy(&make, &found, sizeof make);
	(void)snprintf(group_named, sizeof group_named, "%s", group);
	return make(group);
}

rd_kafka_error_t *rd_kafka_send_offsets_to_transaction(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *offsets,
						       const rd_kafka_consumer_group_metadata_t *cgmetadata, int timeout_ms)
{
	rd_kafka_error_t *(*send)(rd_kafka_t *, const rd_kafka_topic_partition_list_t *,
				  const rd_kafka_consumer_group_metadata_t *, int);
	void *found = dlsym(RTLD_NEXT, "rd_kafka_send_offsets_to_transaction");
	memcpy(&send, &found, sizeof send);
	for (int i = 0; i < offsets->cnt; i++) {
		const rd_kafka_topic_partition_t *one = &offsets->elems[i];
		const size_t length = strlen(sent);
		assert_true(length < sizeof sent - 1);
		(void)snprintf(sent + length, sizeof sent - length, "%s@%ld %.*s\n", group_named, (long)one->offset,
			       (int)one->metadata_size, one->metadata_size > 0 ? (const char *)one->metadata : "");
	}
	return send(rk, offsets, cgmetadata, timeout_ms);
}

/* ---- the leader of the partition ---- */

static struct {
	bool silent;
	bool in_transaction;
	size_t asked;
} leader;

rd_kafka_error_t *rd_kafka_begin_transaction(rd_kafka_t *rk)
{
	rd_kafka_error_t *(*begin)(rd_kafka_t *);
	void *found = dlsym(RTLD_NEXT, "rd_kafka_begin_transaction");
	memcpy(&begin, &found, sizeof begin);
	leader.in_transaction = true;
	return begin(rk);
}

rd_kafka_resp_err_t rd_kafka_offsets_for_times(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *offsets, int timeout_ms)
{
	rd_kafka_resp_err_t (*query)(rd_kafka_t *, rd_kafka_topic_partition_list_t *, int);
	void *found = dlsym(RTLD_NEXT, "rd_kafka_offsets_for_times");
	memcpy(&query, &found, sizeof query);
	leader.asked++;
	assert_false(leader.in_transaction);
	assert_in_range(timeout_ms, 1, 5000);
	return leader.silent ? RD_KAFKA_RESP_ERR__TIMED_OUT : query(rk, offsets, timeout_ms);
}

/* ---- looks at topics that are not answered ---- */

static size_t unanswered_looks;

rd_kafka_resp_err_t rd_kafka_metadata(rd_kafka_t *rk, int all_topics, rd_kafka_topic_t *only_rkt,
				      const struct rd_kafka_metadata **metadatap, int timeout_ms)
{
	rd_kafka_resp_err_t (*look)(rd_kafka_t *, int, rd_kafka_topic_t *, const struct rd_kafka_metadata **, int);
	void *found = dlsym(RTLD_NEXT, "rd_kafka_metadata");
	memcpy(&look, &found, sizeof look);
	if (unanswered_looks > 0 && all_topics) {
		unanswered_looks--;
		return RD_KAFKA_RESP_ERR__TIMED_OUT;
	}
	return look(rk, all_topics, only_rkt, metadatap, timeout_ms);
}

/* ---- taking over ---- */

struct waits {
	size_t count, most; /* until it is given up */
	char last[512];
};

static bool note_wait(void *context, const char *who, int64_t waited_ms)
{
	struct waits *waits = context;
	assert_true(waited_ms >= 0);
	(void)snprintf(waits->last, sizeof waits->last, "%s", who);
	return ++waits->count < waits->most;
}

static bool unmarked, shared;

static bool take_over_waiting(const struct mock *mock, struct waits *waits, size_t *moved, struct error *error)
{
	const struct offset_migration_config config = {.brokers = mock->brokers,
					       .consumer = mock_quick,
					       .producer = mock_quick,
					       .group = "new",
					       .waits = waits ? note_wait : NULL,
					       .context = waits,
					       .unmarked = &unmarked};
	const struct offset_migration_topic topic = {.name = "in", .formers = {"former"}, .shared = shared};
	sent[0] = '\0';
	leader.in_transaction = false;
	*error = (struct error){0};
	return offset_migration_carry_out(&config, &topic, 1, moved, error);
}

static bool take_over(const struct mock *mock, size_t *moved, struct error *error)
{
	return take_over_waiting(mock, NULL, moved, error);
}

static void what_a_former_group_committed_is_moved(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	assert_true(take_over(&mock, &moved, &error));
	assert_int_equal(moved, 0);
	mock_commit(&mock, "former", 5);
	assert_true(take_over(&mock, &moved, &error));
	assert_int_equal(moved, 1);
	mock_commit(&mock, "new", 7);
	assert_true(take_over(&mock, &moved, &error));
	assert_int_equal(moved, 0);
	mock_close(&mock);
}

static void a_group_whose_broker_is_not_found_yet_is_asked_again(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	mock_commit(&mock, "former", 5);
	for (int i = 0; i < 3; i++)
		rd_kafka_mock_push_request_errors(mock.cluster, OFFSET_FETCH, 2, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
						  RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
	assert_true(take_over(&mock, &moved, &error));
	assert_int_equal(moved, 1);
	mock_close(&mock);
}

static void topics_are_looked_at_again(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	mock_commit(&mock, "former", 5);
	unanswered_looks = 2;
	assert_true(take_over(&mock, &moved, &error));
	assert_int_equal(unanswered_looks, 0);
	assert_int_equal(moved, 1);
	mock_close(&mock);
}

static void a_failure_that_is_no_denial_names_no_rights(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	mock_commit(&mock, "former", 5);
	rd_kafka_mock_push_request_errors(mock.cluster, INIT_PRODUCER_ID, 1, RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT);
	assert_false(take_over(&mock, &moved, &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, "committing: "));
	assert_non_null(strstr(error.text, "check the brokers"));
	assert_null(strstr(error.text, "rights"));
	mock_close(&mock);
}

static void a_commit_that_kafka_did_not_take_is_tried_again(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	mock_commit(&mock, "former", 5);
	rd_kafka_mock_push_request_errors(mock.cluster, ADD_OFFSETS, 1, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
	assert_true(take_over(&mock, &moved, &error));
	assert_int_equal(moved, 1);
	assert_int_equal(error.kind, ERROR_NONE);
	mock_close(&mock);
}

static void who_may_not_is_told_at_once(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	mock_commit(&mock, "former", 5);
	rd_kafka_mock_push_request_errors(mock.cluster, ADD_OFFSETS, 1, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
	assert_false(take_over(&mock, &moved, &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, "group new cannot continue where the pipelines were read before: committing: "));
	assert_non_null(strstr(error.text, "sluice plan --acls"));
	mock_close(&mock);
}

/* ---- members of the former group ---- */

#define TELL(...) \
	const enum told told[] = {__VA_ARGS__}; \
	tell(told, sizeof told / sizeof *told)

static void a_member_is_waited_for(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	struct waits waits = {.most = 10};
	size_t moved;
	mock_open(&mock);
	mock_commit(&mock, "former", 5);
	TELL(TOLD_MEMBER, TOLD_MEMBER, TOLD_NOBODY);
	assert_true(take_over_waiting(&mock, &waits, &moved, &error));
	assert_int_equal(moved, 1);
	assert_int_equal(waits.count, 2);
	assert_string_equal(waits.last, "group new waits for group former: old.0 at /10.0.0.1 reads in");
	assert_int_equal(asked.looks, 5); /* the last ones behind what was committed, and in the transaction */
	tell(NULL, 0);
	mock_close(&mock);
}

/* That it does not say is no sign that nobody is there. */
static void a_coordinator_that_has_just_begun_is_asked_again(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	struct waits waits = {.most = 3};
	size_t moved;
	mock_open(&mock);
	mock_commit(&mock, "former", 5);
	TELL(TOLD_LOADING, TOLD_MEMBER);
	assert_false(take_over_waiting(&mock, &waits, &moved, &error));
	assert_int_equal(waits.count, 3);
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, "old.0 at /10.0.0.1 reads in"));
	assert_int_equal(moved, 0);
	tell(NULL, 0);
	mock_close(&mock);
}

static void one_that_never_says_is_waited_for_within_a_bound_where_nobody_waits(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	TELL(TOLD_LOADING);
	assert_false(take_over(&mock, &moved, &error));
	assert_int_equal(error.kind, ERROR_REMOTE);
	assert_non_null(strstr(error.text, "group new waits for group former: Broker: Coordinator load in progress"));
	assert_int_not_equal(asked.looks, 1);
	tell(NULL, 0);
	mock_close(&mock);
}

/* While what it had committed was asked for. */
static void a_member_that_comes_meanwhile_is_seen(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	mock_commit(&mock, "former", 5);
	TELL(TOLD_NOBODY, TOLD_MEMBER);
	assert_false(take_over(&mock, &moved, &error));
	assert_non_null(strstr(error.text, "old.0 at /10.0.0.1 reads in"));
	assert_int_equal(moved, 0);
	tell(NULL, 0);
	mock_close(&mock);
}

/* One of several brokers is dead: the group's coordinator answers twice for what is committed there. */
static void a_broker_that_gives_no_answer_is_not_waited_for(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	mock_commit(&mock, "former", 5);
	TELL(SOURCE_UNKNOWN, SOURCE_UNKNOWN, SOURCE_UNKNOWN, SOURCE_UNKNOWN, SOURCE_UNKNOWN, TOLD_MEMBER);
	assert_true(take_over(&mock, &moved, &error));
	assert_int_equal(moved, 1);
	assert_int_equal(asked.looks, 5); /* the last one in the transaction */
	static const enum told later[] = {SOURCE_UNKNOWN, TOLD_MEMBER};
	tell(later, 2);
	assert_false(take_over(&mock, &moved, &error));
	tell(NULL, 0);
	mock_close(&mock);
}

/* ---- marks on former groups ---- */

#define REFERENCE "sluice state id=00000000000000ff end=12 changelog=p.state"

/* What the metadata refers to moves, and stays readable behind the mark. */
static void the_former_group_is_marked(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	mock_commit_with(&mock, "former", 5, REFERENCE);
	assert_true(take_over(&mock, &moved, &error));
	assert_string_equal(sent, "new@5 " REFERENCE "\nformer@5 sluice moved to=new " REFERENCE "\n");
	assert_false(unmarked);
	mock_commit(&mock, "new", 5); /* an engine that starts later: only the mark is missing */
	assert_true(take_over(&mock, &moved, &error));
	assert_int_equal(moved, 0);
	assert_string_equal(sent, "former@5 sluice moved to=new " REFERENCE "\n");
	mock_commit_with(&mock, "former", 5, "sluice moved to=new " REFERENCE);
	assert_true(take_over(&mock, &moved, &error));
	assert_string_equal(sent, "");
	mock_close(&mock);
}

/* Whoever reads from offset 0 is given the first record too. The transaction, which is short, is not held open meanwhile. */
static void a_partition_whose_leader_is_silent_is_marked_in_time(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	struct waits waits = {.most = 10};
	size_t moved;
	mock_open(&mock);
	TELL(TOLD_MEMBER, TOLD_NOBODY);
	leader.silent = true;
	leader.asked = 0;
	assert_true(take_over_waiting(&mock, &waits, &moved, &error));
	leader.silent = false;
	assert_int_equal(leader.asked, 1);
	assert_string_equal(sent, "former@0 sluice moved to=new\n");
	tell(NULL, 0);
	mock_close(&mock);
}

/* Nothing came since the pipeline was moved from this group: it goes on where it stood, and has no mark any longer. */
static void a_move_back_removes_the_mark(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	mock_commit_with(&mock, "new", 5, "sluice moved to=former " REFERENCE);
	assert_true(take_over(&mock, &moved, &error));
	assert_int_equal(moved, 1);
	assert_string_equal(sent, "new@5 " REFERENCE "\n");
	mock_commit(&mock, "former", 5);
	assert_true(take_over(&mock, &moved, &error));
	assert_string_equal(sent, "new@5 \nformer@5 sluice moved to=new\n");
	mock_commit_with(&mock, "former", 8, REFERENCE);
	assert_true(take_over(&mock, &moved, &error));
	assert_string_equal(sent, "new@8 " REFERENCE "\nformer@8 sluice moved to=new " REFERENCE "\n");
	mock_close(&mock);
}

/* As for a pipeline that is new. A member that was waited for may have read, and not committed. */
static void a_group_that_never_read_is_not_marked(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	struct waits waits = {.most = 10};
	size_t moved;
	mock_open(&mock);
	assert_true(take_over(&mock, &moved, &error));
	assert_string_equal(sent, "");
	TELL(TOLD_MEMBER, TOLD_NOBODY);
	assert_true(take_over_waiting(&mock, &waits, &moved, &error));
	assert_int_equal(moved, 0);
	assert_string_equal(sent, "former@0 sluice moved to=new\n");
	tell(NULL, 0);
	mock_close(&mock);
}

/* Another pipeline goes on by the former group's commits. */
static void a_topic_that_the_former_group_reads_on_is_not_marked(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	mock_commit(&mock, "former", 5);
	shared = true;
	assert_true(take_over(&mock, &moved, &error));
	shared = false;
	assert_int_equal(moved, 1);
	assert_string_equal(sent, "new@5 \n");
	mock_close(&mock);
}

/* It may have read what it goes on from before the mark was there: nothing is committed until it has left. */
static void a_member_that_comes_before_the_commit_is_waited_for(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	struct waits waits = {.most = 10};
	size_t moved;
	mock_open(&mock);
	mock_commit(&mock, "former", 5);
	TELL(TOLD_NOBODY, TOLD_NOBODY, TOLD_MEMBER, TOLD_MEMBER, TOLD_NOBODY);
	assert_true(take_over_waiting(&mock, &waits, &moved, &error));
	assert_int_equal(waits.count, 1);
	assert_int_equal(asked.looks, 7);
	assert_int_equal(moved, 1);
	assert_string_equal(sent, "new@5 \nformer@5 sluice moved to=new\nnew@5 \nformer@5 sluice moved to=new\n");
	tell(NULL, 0);
	mock_close(&mock);
}

/* Rights of an earlier version: the offsets move all the same, and it is said. */
static void who_may_not_mark_moves_without(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	size_t moved;
	mock_open(&mock);
	mock_commit(&mock, "former", 5);
	rd_kafka_mock_push_request_errors(mock.cluster, ADD_OFFSETS, 2, RD_KAFKA_RESP_ERR_NO_ERROR,
					  RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
	assert_true(take_over(&mock, &moved, &error));
	assert_int_equal(moved, 1);
	assert_true(unmarked);
	assert_string_equal(sent, "new@5 \nformer@5 sluice moved to=new\nnew@5 \n");
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_former_group_committed_is_moved),
		cmocka_unit_test(a_group_whose_broker_is_not_found_yet_is_asked_again),
		cmocka_unit_test(topics_are_looked_at_again),
		cmocka_unit_test(a_failure_that_is_no_denial_names_no_rights),
		cmocka_unit_test(a_commit_that_kafka_did_not_take_is_tried_again),
		cmocka_unit_test(who_may_not_is_told_at_once),
		cmocka_unit_test(a_member_is_waited_for),
		cmocka_unit_test(a_coordinator_that_has_just_begun_is_asked_again),
		cmocka_unit_test(one_that_never_says_is_waited_for_within_a_bound_where_nobody_waits),
		cmocka_unit_test(a_member_that_comes_meanwhile_is_seen),
		cmocka_unit_test(a_broker_that_gives_no_answer_is_not_waited_for),
		cmocka_unit_test(the_former_group_is_marked),
		cmocka_unit_test(a_partition_whose_leader_is_silent_is_marked_in_time),
		cmocka_unit_test(a_move_back_removes_the_mark),
		cmocka_unit_test(a_group_that_never_read_is_not_marked),
		cmocka_unit_test(a_topic_that_the_former_group_reads_on_is_not_marked),
		cmocka_unit_test(a_member_that_comes_before_the_commit_is_waited_for),
		cmocka_unit_test(who_may_not_mark_moves_without),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
