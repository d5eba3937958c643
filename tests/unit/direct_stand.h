/* direct_stand.h: Worker whose pipeline `p` takes requests past Kafka, on the mock of a broker, and the gateway's side of its hub.
 */
#pragma once

#include "tests/unit/worker_stand.h"
#include "engine/worker/direct_hub.h"

extern const char direct_doubles[];	    /* steps that answer x twice */
extern const char *const direct_x21;	    /* a request with an x of 21 */
extern struct direct_hub *direct_stand_hub; /* of the test that runs */

void direct_configure(struct stand *stand, const char *steps); /* opens the hub */
void direct_start(struct stand *stand, const char *steps);     /* likewise, and starts the worker */
int direct_stand_close(void **state);
#define DIRECT_STORY(name) cmocka_unit_test_setup_teardown(name, stand_open, direct_stand_close)

enum direct_verdict direct_ask(const char *pipeline, const char *body);
enum direct_verdict direct_ask_of(uint64_t call, const char *pipeline, const char *body);
void direct_ask_until_sent(void); /* of `p` */

/* The replies that have come; at least one, which is waited for. */
struct direct_message *direct_replies(void);

/* The next reply, to be closed. */
struct direct_message *direct_reply(void);

/* Answers to so many requests and no more, to be ignored. */
void direct_replies_pass(size_t count);

bool direct_reply_says(const struct direct_message *message, const char *words);

int64_t direct_records_in(const struct stand *stand, const char *topic);
