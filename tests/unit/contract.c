/* contract.c: the stories; see contract.h. */
#include "contract.h"

#include <stdarg.h>
#include <stdio.h>

#define PATIENCE_MS 30000 /* of a real Kafka, which forms a group in some seconds */
#define SILENCE_MS 1500	  /* what does not come within that, does not come */
#define STEP_MS 10
#define TRANSACTION_MS 6000
#define WORDS 256

static bool fails(struct contract *contract, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fails(struct contract *contract, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	if (!contract->why[0])
		vsnprintf(contract->why, sizeof contract->why, format, arguments);
	va_end(arguments);
	return false;
}

/* ---- who takes part ---- */

/* A process: one consumer, and perhaps one output. */
struct member {
	struct contract *contract;
	const char *in[1], *out[1];
	struct position assigned;
	struct consumer_config reads;
	struct transaction_config writes;
	struct consumer *consumer;
	struct output *output;
	struct positions committed;	/* of the last news */
	struct position committed_items[2];
};

/* Reads one partition by name. */
static struct member reads(struct contract *contract, struct member *member, const char *group, const char *topic)
{
	*member = (struct member){.contract = contract, .in = {topic}, .assigned = {0, 0, OFFSET_NONE}};
	member->reads = (struct consumer_config){
		.group = group, .topics = member->in, .topic_count = 1, .assigned = {1, &member->assigned}};
	member->consumer = contract->platform->consumer_open(contract->platform->context, &member->reads);
	return *member;
}

/* Reads both partitions, or its share, as a member of the group under that name. */
static void joins(struct contract *contract, struct member *member, const char *instance)
{
	*member = (struct member){.contract = contract, .in = {contract->in}};
	member->reads = (struct consumer_config){
		.group = contract->group, .instance = instance, .topics = member->in, .topic_count = 1};
	member->consumer = contract->platform->consumer_open(contract->platform->context, &member->reads);
}

/* `id` NULL: at least once. */
static void writes(struct member *member, const char *id, const char *topic)
{
	struct contract *contract = member->contract;
	member->out[0] = topic;
	member->writes =
		(struct transaction_config){.id = id, .topics = member->out, .topic_count = 1, .timeout_ms = TRANSACTION_MS};
	member->output = contract->platform->output_open(contract->platform->context, &member->writes, member->consumer);
}

static void leaves(struct member *member)
{
	output_close(member->output);
	consumer_close(member->consumer);
	member->output = NULL;
	member->consumer = NULL;
}

/* ---- what they do ---- */

static void pass(struct contract *contract, int ms)
{
	contract->platform->pass(contract->platform->context, ms);
}

static enum transaction_news news_of(struct member *member)
{
	struct error error = {0};
	enum transaction_news news = NEWS_NONE;
	for (int waited = 0; news == NEWS_NONE && waited < PATIENCE_MS; waited += STEP_MS) {
		struct positions committed = {0};
		news = output_news(member->output, &committed, &error);
		if (news == NEWS_NONE)
			pass(member->contract, STEP_MS);
		member->committed = (struct positions){0, member->committed_items};
		for (size_t i = 0; i < committed.count && i < 2; i++)
			member->committed_items[member->committed.count++] = committed.items[i];
	}
	return news;
}

static bool hears(struct member *member, enum transaction_news wanted)
{
	static const char *const names[] = {"nothing", "it started",  "it committed", "its commit is void",
					    "a reset", "it is broken"};
	enum transaction_news news = news_of(member);
	return news == wanted || fails(member->contract, "an output hears: %s, instead of: %s", names[news], names[wanted]);
}

static bool produces(struct member *member, const char *value)
{
	struct error error = {0};
	const struct outgoing record = {.value = text_of(value)};
	enum produce_verdict verdict = output_produce(member->output, &record, &error);
	verdict = verdict == PRODUCED ? output_send(member->output, &error) : verdict;
	return verdict == PRODUCED || fails(member->contract, "%s is not produced: %s", value, error.text);
}

static bool ends_at(struct member *member, int64_t offset)
{
	struct error error = {0};
	struct position position = {0, 0, offset};
	return output_end(member->output, (struct positions){1, &position}, &error) || fails(member->contract, "%s", error.text);
}

/* Takes whatever comes, its values one behind the other in `words`; false: it is stopped. */
static bool takes(struct member *member, char *words)
{
	struct record records[16];
	struct error error = {0};
	size_t count;
	if (!consumer_take(member->consumer, records, 16, &count, &error))
		return false;
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(words);
		(void)snprintf(words + length, WORDS - length, TEXT_FORMAT, TEXT_ARGUMENTS(records[i].value));
		record_release(&records[i]);
	}
	return true;
}

/* The first change comes, and is accepted. */
static bool is_given(struct member *member)
{
	struct positions positions;
	struct error error = {0};
	char words[WORDS] = "";
	for (int waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
		(void)takes(member, words);
		if (consumer_change(member->consumer, &positions) == ASSIGNMENT_GIVEN)
			return consumer_accept(member->consumer, &error) || fails(member->contract, "%s", error.text);
		pass(member->contract, STEP_MS);
	}
	return fails(member->contract, "no partitions are given");
}

/* It takes these values and then nothing more for a while. */
static bool takes_only(struct member *member, const char *wanted)
{
	char words[WORDS] = "";
	int silent = 0;
	for (int waited = 0; silent < SILENCE_MS && waited < PATIENCE_MS; waited += STEP_MS) {
		size_t before = strlen(words);
		if (!takes(member, words))
			return fails(member->contract, "a consumer is stopped");
		pass(member->contract, STEP_MS);
		/* What is wanted may take its time; what is not would have come by now. */
		silent = strlen(words) == before && strlen(words) >= strlen(wanted) ? silent + STEP_MS : 0;
	}
	return strcmp(words, wanted) == 0 || fails(member->contract, "taken is \"%s\", instead of \"%s\"", words, wanted);
}

/* What a reader of committed records finds in the topic. */
static bool stands_there(struct contract *contract, const char *topic, const char *wanted)
{
	struct member reader;
	char group[128];
	(void)snprintf(group, sizeof group, "%s-reader", contract->group);
	reads(contract, &reader, group, topic);
	bool good = is_given(&reader) && takes_only(&reader, wanted);
	leaves(&reader);
	return good;
}

/* Puts each letter as a record into the inputs. */
static bool comes_in(struct contract *contract, const char *letters)
{
	struct member writer;
	char group[128];
	(void)snprintf(group, sizeof group, "%s-writer", contract->group);
	reads(contract, &writer, group, contract->in);
	writes(&writer, NULL, contract->in);
	bool good = is_given(&writer) && hears(&writer, NEWS_STARTED);
	for (; good && *letters; letters++)
		good = produces(&writer, (char[]){*letters, '\0'});
	good = good && ends_at(&writer, OFFSET_NONE) && hears(&writer, NEWS_COMMITTED);
	leaves(&writer);
	return good;
}

/* A member that reads the inputs by name and writes exactly once, ready to go on. */
static bool begins(struct contract *contract, struct member *member)
{
	reads(contract, member, contract->group, contract->in);
	writes(member, contract->id, contract->out);
	return is_given(member) && hears(member, NEWS_STARTED);
}

/* Whoever comes next in the group takes these values. */
static bool next_takes(struct contract *contract, const char *wanted)
{
	struct member next;
	reads(contract, &next, contract->group, contract->in);
	bool good = is_given(&next) && takes_only(&next, wanted);
	leaves(&next);
	return good;
}

/* ---- offsets ---- */

static bool who_comes_next_goes_on_behind_what_was_committed(struct contract *contract)
{
	struct member member;
	bool good = comes_in(contract, "abc") && begins(contract, &member) && takes_only(&member, "abc") &&
		    produces(&member, "A") && ends_at(&member, 2) && hears(&member, NEWS_COMMITTED);
	leaves(&member);
	return good && next_takes(contract, "c") && stands_there(contract, contract->out, "A");
}

static bool a_position_without_an_offset_commits_none(struct contract *contract)
{
	struct member member;
	bool good = comes_in(contract, "ab") && begins(contract, &member) && produces(&member, "A") &&
		    ends_at(&member, OFFSET_NONE) && hears(&member, NEWS_COMMITTED);
	leaves(&member);
	return good && next_takes(contract, "ab") && stands_there(contract, contract->out, "A");
}

static bool at_least_once_offsets_follow_their_records(struct contract *contract)
{
	struct member member;
	bool good = comes_in(contract, "abc");
	reads(contract, &member, contract->group, contract->in);
	writes(&member, NULL, contract->out);
	good = good && is_given(&member) && hears(&member, NEWS_STARTED) && takes_only(&member, "abc") && produces(&member, "A") &&
	       produces(&member, "B") && ends_at(&member, 2) && produces(&member, "C") && hears(&member, NEWS_COMMITTED);
	leaves(&member);
	return good && next_takes(contract, "c");
}

/* ---- fencing ---- */

static bool a_second_producer_under_the_id_fences_the_first(struct contract *contract)
{
	struct member first, second;
	bool good = comes_in(contract, "abc") && begins(contract, &first) && produces(&first, "A");
	pass(contract, SILENCE_MS);
	good = begins(contract, &second) && good && produces(&second, "B") && ends_at(&second, 1) &&
	       hears(&second, NEWS_COMMITTED) && ends_at(&first, 2) && hears(&first, NEWS_RESET);
	if (good && (first.committed.count != 1 || first.committed_items[0].offset != 1))
		good = fails(contract, "the first is not told what is committed");
	leaves(&first);
	leaves(&second);
	return good && stands_there(contract, contract->out, "B") && next_takes(contract, "bc");
}

/* It is stopped, or loses its partitions before it may try again to be the one. */
static bool a_second_instance_of_a_name_takes_the_place_of_the_first(struct contract *contract)
{
	struct member first, second;
	struct positions positions;
	char words[WORDS] = "";
	joins(contract, &first, "one");
	bool good = is_given(&first);
	joins(contract, &second, "one");
	good = good && is_given(&second);
	bool goes_on = true;
	for (int waited = 0; good && goes_on && waited < PATIENCE_MS; waited += STEP_MS) {
		goes_on = takes(&first, words) && consumer_change(first.consumer, &positions) != ASSIGNMENT_LOST;
		pass(contract, STEP_MS);
	}
	leaves(&first);
	leaves(&second);
	return good && (!goes_on || fails(contract, "the first instance is not told"));
}

/* ---- aborted reads ---- */

static bool what_was_given_up_is_not_read(struct contract *contract)
{
	struct member first, second;
	bool good = begins(contract, &first) && produces(&first, "A");
	pass(contract, SILENCE_MS); /* until it has arrived */
	leaves(&first);
	good = begins(contract, &second) && good && produces(&second, "B") && ends_at(&second, OFFSET_NONE) &&
	       hears(&second, NEWS_COMMITTED);
	leaves(&second);
	return good && stands_there(contract, contract->out, "B");
}

static bool what_is_not_committed_yet_is_not_read_yet(struct contract *contract)
{
	struct member member;
	bool good = begins(contract, &member) && produces(&member, "A");
	pass(contract, SILENCE_MS);
	good = good && stands_there(contract, contract->out, "") && ends_at(&member, OFFSET_NONE) &&
	       hears(&member, NEWS_COMMITTED);
	leaves(&member);
	return good && stands_there(contract, contract->out, "A");
}

/* ---- unstable offsets ---- */

static bool offsets_of_a_transaction_that_is_ending_are_waited_for(struct contract *contract)
{
	const struct contract_platform *platform = contract->platform;
	struct member member, next;
	bool good = comes_in(contract, "abc") && begins(contract, &member) && takes_only(&member, "abc") && produces(&member, "A");
	platform->hold(platform->context, CONTRACT_ENDS_TRANSACTION, false);
	good = good && ends_at(&member, 2);
	platform->held(platform->context, false);
	reads(contract, &next, contract->group, contract->in);
	char words[WORDS] = "";
	good = good && is_given(&next);
	for (int waited = 0; waited < SILENCE_MS / 2; waited += STEP_MS) {
		pass(contract, STEP_MS);
		(void)takes(&next, words);
	}
	if (good && words[0])
		good = fails(contract, "\"%s\" was taken before it was decided where to begin", words);
	platform->release(platform->context);
	good = good && takes_only(&next, "c") && hears(&member, NEWS_COMMITTED);
	leaves(&next);
	leaves(&member);
	return good;
}

/* ---- what comes late ---- */

/* The first copy of A's last request comes while B is under way, and B is given up: nothing
 * of B may be seen, and of A once. */
static bool late(struct contract *contract, enum contract_request request)
{
	const struct contract_platform *platform = contract->platform;
	struct member member, next;
	bool good = comes_in(contract, "abc") && begins(contract, &member) && takes_only(&member, "abc") && produces(&member, "A");
	platform->hold(platform->context, request, true);
	good = good && ends_at(&member, 1);
	platform->held(platform->context, true);
	good = good && hears(&member, NEWS_RESET);
	bool committed = good && member.committed_items[0].offset == 1;
	if (good && !committed) /* then it is done again */
		good = produces(&member, "A") && ends_at(&member, 1) && hears(&member, NEWS_COMMITTED);
	good = good && produces(&member, "B");
	pass(contract, SILENCE_MS / 3);
	platform->release(platform->context);
	leaves(&member);
	good = begins(contract, &next) && good;
	leaves(&next);
	return good && stands_there(contract, contract->out, "A") && next_takes(contract, "bc");
}

static bool a_late_end_ends_nothing_that_came_later(struct contract *contract)
{
	return late(contract, CONTRACT_ENDS_TRANSACTION);
}

static bool late_offsets_move_nothing_back(struct contract *contract)
{
	return late(contract, CONTRACT_SENDS_OFFSETS);
}

/* ---- rebalances ---- */

/* Until the change has come; it is not accepted. */
static bool is_told(struct member *member, enum assignment_change wanted)
{
	struct positions positions;
	char words[WORDS] = "";
	for (int waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
		(void)takes(member, words);
		if (consumer_change(member->consumer, &positions) == wanted)
			return true;
		pass(member->contract, STEP_MS);
	}
	return fails(member->contract, "the group tells nothing");
}

static bool gives_up(struct member *member)
{
	struct error error = {0};
	return consumer_accept(member->consumer, &error) || fails(member->contract, "%s", error.text);
}

/* What is open when partitions are to be given up is ended first, as a member of before:
 * whoever gets them goes on behind it. */
static bool an_open_transaction_is_ended_before_its_partitions_go(struct contract *contract)
{
	struct member first, second;
	bool good = comes_in(contract, "abc");
	joins(contract, &first, "one");
	writes(&first, contract->id, contract->out);
	good = good && hears(&first, NEWS_STARTED) && is_given(&first) && takes_only(&first, "abc") && produces(&first, "A");
	joins(contract, &second, "two");
	good = good && is_told(&first, ASSIGNMENT_TAKEN) && ends_at(&first, 2) && hears(&first, NEWS_COMMITTED) && gives_up(&first);
	/* One partition: the first of the two names has it, the second nothing. */
	good = good && is_given(&first) && is_given(&second) && takes_only(&first, "c");
	leaves(&second);
	leaves(&first);
	return good && stands_there(contract, contract->out, "A");
}

/* Who went on as if nothing had been said commits nothing. */
static bool who_is_no_member_any_more_commits_nothing(struct contract *contract)
{
	struct member first, second;
	bool good = comes_in(contract, "abc");
	joins(contract, &first, "one");
	writes(&first, contract->id, contract->out);
	good = good && hears(&first, NEWS_STARTED) && is_given(&first) && takes_only(&first, "abc") && produces(&first, "A");
	joins(contract, &second, "one");
	good = good && is_given(&second) && takes_only(&second, "abc") && ends_at(&first, 2) && hears(&first, NEWS_RESET);
	/* One that knows that it is not there does not ask: OFFSET_UNKNOWN. */
	if (good && (first.committed.count != 1 || first.committed_items[0].offset >= 0))
		good = fails(contract, "something is committed by one who is not there any more");
	leaves(&first);
	leaves(&second);
	return good && stands_there(contract, contract->out, "");
}

/* Whoever takes his time to give partitions up has joined again meanwhile, when it learns of topics. What it is given then comes
 * after that. */
static bool a_revocation_stays_until_it_is_accepted(struct contract *contract)
{
	static const struct property looks_often = {"topic.metadata.refresh.interval.ms", "100"};
	const char *const names[] = {contract->in, contract->out};
	const struct consumer_topics both = {names, 2, (const bool[]){true, true}};
	struct member member = {.contract = contract};
	struct error error = {0};
	struct positions changed;
	member.reads = (struct consumer_config){
		.group = contract->group, .topics = names, .topic_count = 1, .properties = {1, &looks_often}};
	member.consumer = contract->platform->consumer_open(contract->platform->context, &member.reads);
	bool good = is_given(&member) && (consumer_follow(member.consumer, &both, &error) || fails(contract, "%s", error.text)) &&
		    is_told(&member, ASSIGNMENT_TAKEN) && takes_only(&member, "");
	if (good && (consumer_change(member.consumer, &changed) != ASSIGNMENT_TAKEN || changed.count != 1))
		good = fails(contract, "another change is shown before the revocation is accepted");
	good = good && gives_up(&member) && is_told(&member, ASSIGNMENT_GIVEN);
	if (good && consumer_change(member.consumer, &changed) == ASSIGNMENT_GIVEN && changed.count != 2)
		good = fails(contract, "%zu partitions are given, not 2", changed.count);
	good = good && is_given(&member) && comes_in(contract, "ab") && takes_only(&member, "ab");
	leaves(&member);
	return good;
}

/* It takes these values, and accepts what its group says meanwhile: it joins again once for a topic that is missing. */
static bool settles_on(struct member *member, const char *wanted)
{
	char words[WORDS] = "";
	struct positions changed;
	struct error error = {0};
	int silent = 0;
	for (int waited = 0; silent < SILENCE_MS && waited < PATIENCE_MS; waited += STEP_MS) {
		if (!takes(member, words))
			return fails(member->contract, "a consumer is stopped");
		const enum assignment_change change = consumer_change(member->consumer, &changed);
		if (change == ASSIGNMENT_TAKEN)
			words[0] = '\0';
		if (change != ASSIGNMENT_SAME && !consumer_accept(member->consumer, &error))
			return fails(member->contract, "%s", error.text);
		pass(member->contract, STEP_MS);
		silent = change == ASSIGNMENT_SAME && strcmp(words, wanted) == 0 ? silent + STEP_MS : 0;
	}
	return silent >= SILENCE_MS || fails(member->contract, "taken is \"%s\", instead of \"%s\"", words, wanted);
}

/* It joins again before it gives its partition up, because a topic of it is there at last. Meanwhile the other member got the
 * partition, and has gone further: that is not moved back. */
static bool what_did_not_come_back_is_not_committed(struct contract *contract)
{
	static const struct property looks_often = {"topic.metadata.refresh.interval.ms", "100"};
	char later[128];
	(void)snprintf(later, sizeof later, "%s-later", contract->in);
	const char *const names[] = {contract->in, later};
	struct member first = {.contract = contract}, second;
	first.reads = (struct consumer_config){.group = contract->group,
					       .instance = "two", /* the other one is before it */
					       .topics = names,
					       .topic_count = 2,
					       .properties = {1, &looks_often}};
	first.consumer = contract->platform->consumer_open(contract->platform->context, &first.reads);
	writes(&first, NULL, contract->out);
	bool good = comes_in(contract, "abc") && hears(&first, NEWS_STARTED) && settles_on(&first, "abc") && produces(&first, "A");
	joins(contract, &second, "one");
	writes(&second, NULL, contract->out);
	good = good && is_told(&first, ASSIGNMENT_TAKEN);
	contract->platform->topic(contract->platform->context, later, 1);
	good = good && is_given(&second) && hears(&second, NEWS_STARTED) && takes_only(&second, "abc") && ends_at(&second, 3) &&
	       hears(&second, NEWS_COMMITTED);
	good = good && takes_only(&first, "") && ends_at(&first, 2) && hears(&first, NEWS_VOID) &&
	       is_told(&first, ASSIGNMENT_LOST) && gives_up(&first) && is_given(&first);
	leaves(&first);
	leaves(&second);
	return good && next_takes(contract, "");
}

const struct contract_story contract_stories[] = {
	{"next-goes-on", who_comes_next_goes_on_behind_what_was_committed},
	{"no-offset", a_position_without_an_offset_commits_none},
	{"at-least-once", at_least_once_offsets_follow_their_records},
	{"fenced-id", a_second_producer_under_the_id_fences_the_first},
	{"fenced-name", a_second_instance_of_a_name_takes_the_place_of_the_first},
	{"given-up", what_was_given_up_is_not_read},
	{"not-yet", what_is_not_committed_yet_is_not_read_yet},
	{"unstable", offsets_of_a_transaction_that_is_ending_are_waited_for},
	{"late-end", a_late_end_ends_nothing_that_came_later},
	{"late-offsets", late_offsets_move_nothing_back},
	{"open-rebalance", an_open_transaction_is_ended_before_its_partitions_go},
	{"no-member", who_is_no_member_any_more_commits_nothing},
	{"slow-revocation", a_revocation_stays_until_it_is_accepted},
	{"overtaken", what_did_not_come_back_is_not_committed},
};
const size_t contract_count = sizeof contract_stories / sizeof *contract_stories;

bool contract_holds(struct contract *contract, const struct contract_story *story)
{
	const struct contract_platform *platform = contract->platform;
	contract->name = story->name;
	contract->why[0] = '\0';
	(void)snprintf(contract->in, sizeof contract->in, "%s-%ld-in", story->name, contract->run);
	(void)snprintf(contract->out, sizeof contract->out, "%s-%ld-out", story->name, contract->run);
	(void)snprintf(contract->group, sizeof contract->group, "%s-%ld", story->name, contract->run);
	(void)snprintf(contract->id, sizeof contract->id, "%s-%ld-id", story->name, contract->run);
	platform->topic(platform->context, contract->in, 1);
	platform->topic(platform->context, contract->out, 1);
	return story->holds(contract) && !contract->why[0];
}
