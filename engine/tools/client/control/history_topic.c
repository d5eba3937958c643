/* history_topic.c: see history_topic.h. */
#include "tools/client/control/history_topic.h"

#include "kafka/consume/reader.h"

bool history_topic_give(struct history_topic *topic, bool (*take)(void *context, const struct record *record, struct error *error),
			void *context, struct error *error)
{
	const struct reader_config config = {
		.brokers = topic->kafka->brokers,
		.topic = topic->name,
		.from_beginning = true,
		.may_be_absent = topic->may_be_absent,
		.properties = topic->kafka->consumer,
	};
	struct reader *reader = reader_open(&config, error);
	topic->absent = !reader && topic->may_be_absent && error->kind == ERROR_CONFIG;
	const bool good = reader && reader_give_all(reader, take, context, error);
	const uint64_t deleted = good && topic->workspace ? reader_deleted(reader) : 0;
	reader_close(reader);
	if (deleted > 0)
		workspace_note(
			topic->workspace,
			"%llu record%s of topic %s %s not there any more, as by its retention: what is analysed begins after "
			"them, and feedback for them counts as unknown",
			(unsigned long long)deleted, deleted == 1 ? "" : "s", topic->name, deleted == 1 ? "is" : "are");
	return good;
}
