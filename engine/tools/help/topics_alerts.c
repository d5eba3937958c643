/* topics_alerts.c: The topic `alerts` of `sluice help`: the figures that conditions use, the states, and the notices, also
 * those of moves of rollouts. */
#include "compiler/conditions/notice.h"
#include "monitor/alerts/notice_queue.h"
#include "tools/help/help_topic.h"

static void figures_print(struct help_page *page)
{
	help_page_heading(page, 2, "Conditions");
	help_page_text(page,
		       "A condition uses figures of the pipeline, which are judged once a second, or values of messages: tensors "
		       "and marks, which are judged by the result of each step that has all of them. It cannot use both. `name "
		       "operator number`, also several joined by && or ||, takes the first elements of tensors; any other "
		       "condition, such as one with `and`, has one element. now() is the time at which it is judged. A missing "
		       "value is not judged; /metrics counts it. After a reload, a condition that is new counts for each message "
		       "that the new files judge, and none that was taken before.");
	help_page_text(page, "Figures cover the time `over` (1m) and the requests that this engine runs. Figures of drift cover "
			     "the last window that an observer in this engine has closed, or, with --control, in any engine. An "
			     "engine that takes an observer's partition goes on with the verdicts of its state; one that gave it "
			     "away does so for 15 s. If several windows have closed since the last judgement, each is judged, so "
			     "none with drift is missed. Beyond 1,000 of a step in a second, they "
			     "are judged together, by the worst of each figure. A pipeline with a step `drift` judges "
			     "drift_score and all names below it as figures, and one with a step `outlier` outlier_rate. Any other "
			     "pipeline judges these names as tensors of messages.");
	for (const struct alert_value_row *row = alert_value_rows; row->name; row++)
		help_page_item(page, 0, row->help, "%s", row->name);
	help_page_text(page, "A metric in the pipeline's `metrics` is a figure too, by its name, also where a tensor has the same "
			     "name: `STEP.TENSOR` is the tensor. Of a counter it is the sum of the values in the time `over`, of a "
			     "histogram or a summary their mean, and of a gauge the latest value, each over all labels. It is "
			     "missing while there are no values; a counter is then 0. A condition uses 8 metrics at most.");
}

static void states_print(struct help_page *page)
{
	help_page_heading(page, 2, "States");
	help_page_text(page,
		       "An alert fires as soon as its condition holds; with `for`, when it has held at each judgement in that "
		       "time. It resolves when the condition has not held for `resolveAfter` (5m). Setting the clock affects "
		       "neither. `absent: PIPELINE for 5m` fires when no request of a pipeline has ended for that time: in this "
		       "engine, or, with a control plane, in any engine of the namespace. Engines report their requests to each "
		       "other every 1 to 5 s, so with a control plane it fires 2 to 10 s later. `sluice alerts list` and `sluice "
		       "top` show which alerts fire in each engine, since when, and the first groups.");
	help_page_text(page,
		       "With `groupBy`, an alert has a state for each value of that expression, at most 1,000 at a time: each "
		       "group fires and resolves by itself, and its notices name it. A group has a state from the first "
		       "message that meets the condition until it has resolved. The messages of further groups are not judged, "
		       "nor those whose value is longer than 256 bytes: the log says so once, with its cause, and /metrics counts "
		       "those that meet the condition (sluice_alert_beyond_groups_total). With a condition "
		       "on figures of drift, the groups are the segments of the steps `drift` with the same `groupBy`. Other "
		       "figures are of the pipeline as a whole. A Silence with `group` silences that group only. If both have "
		       "the same `groupBy`, an alert in `inhibitedBy` holds back notices of its own groups only. The log names 10 "
		       "groups that fire or end in a second, and counts the others; with --log-level debug it names all.");
	help_page_text(page,
		       "A silence, or another alert in `inhibitedBy` that fires, holds back the notice of a firing. The notice is "
		       "sent afterwards if the alert still fires then. If the notice of a firing was sent, that of its end is due "
		       "too, whatever silences it. A silence is a resource of kind Silence, which `sluice alerts silence` makes, "
		       "or the field `silence` of an alert.");
	help_page_text(page,
		       "Each engine judges what it sees itself. Without a control plane, engines that share a pipeline send a "
		       "notice each, which has the engine's name, and keep the states in memory. After a restart an alert that "
		       "still fires has another id, unless the same message begins it again: the firing is sent again, and that "
		       "of the former id gets no end. With `--control`, engines report to the keeper what fires. The keeper "
		       "sends the notices: one for all engines, when the first engine fires and when the last one resolves. If "
		       "an engine ends while an alert fires in it, its report counts for `resolveAfter`, and for 15 s at least. "
		       "A firing that begins and ends while there is no keeper has both notices afterwards. A receiver that was "
		       "not given a firing gets no end of it. One that the files replace meanwhile gets the end with that "
		       "reason, and the new one the firing.");
	help_page_text(page,
		       "With `--control`, states and notices outlast engines. The keeper writes to the topic `feed` which alerts "
		       "fire, and which notices wait for their receivers, before it sends them. The next keeper reads that "
		       "first, so also where all engines had ended: notices that wait are sent, and an alert whose condition "
		       "still holds goes on firing, without its `for`. A notice that was delivered is not sent again, unless the "
		       "keeper was killed, or lost Kafka, before the feed had that: it then comes a second time, with the same "
		       "id. If the condition does not hold, the end is sent after `resolveAfter`, and after 15 s at least. While "
		       "the feed cannot be read, the keeper sends no notices of alerts, and tries again every 15 s.");
	help_page_text(page,
		       "An engine that has had no keeper for 15 s, as in an outage of Kafka, sends the notices of what has begun "
		       "to fire in it since it last had one, with ids of its own. When a keeper is back, the engine ends these: "
		       "if the alert still fires, the keeper sends its firing. This does not cover ends of firings that the "
		       "keeper has sent, ends of removed alerts, replaced receivers, and the action `rollback`: they wait for a "
		       "keeper. If the engine ends before there is one, its notices get no end.");
	help_page_text(page,
		       "An alert that is removed while it fires, or whose pipeline is, ends then: the receivers that it had get "
		       "the notice of the end, with its `reason` (a record of a topic has none). With `--control`, the keeper "
		       "sends it, also one that starts later. Without, the engine that sent the firing does: if it has ended "
		       "before the alert is removed, or ends before the notice is delivered, the end is not sent: close the "
		       "incident there.");
	help_page_text(page,
		       "An alert whose condition, `over`, `for` or `groupBy` is changed while it fires ends then, too, and begins "
		       "anew: the notice of the end has the new condition. If its actions are changed, those that it has at the "
		       "end get the notice of that, and a receiver that is not among them gets none.");
	help_page_text(page, "Requests that a pipeline receives as calls of other pipelines are in its figures, but their values "
			     "are not judged.");
}

static void guarantees_print(struct help_page *page)
{
	help_page_heading(page, 2, "Guarantees");
	help_page_text(page, "No notice is sent exactly once: a receiver may get it again, with the same id, and recognises it by "
			     "that. Which firings have a notice at all:");
	help_page_text(page,
		       "An alert on values of messages, without `for`: at least once, with `--control`. The message that begins a "
		       "firing leaves a record in the topic `feed`, together with its answer: exactly once, in the same "
		       "transaction. So where the answer is, the firing is, also if the engine is killed before it has reported "
		       "it, or all engines are: the keeper, or the next one, sends the notice. If the message is "
		       "processed again, its firing has the same id, which is made of the time of its request. If another message "
		       "of the group is processed first, the firing has another id. If the feed cannot be written, the answers of "
		       "these messages wait.");
	help_page_text(page,
		       "An alert with `for`, on figures, or on an absence: neither once nor at least once. The state is in the "
		       "memory of the engine that judges it, until its report is in Kafka, about a second later. If the engine is "
		       "killed before that, another engine judges what comes then: a condition that holds on fires there, after "
		       "its `for`, and one that has ceased to hold has no notice.");
	help_page_text(page,
		       "Any alert without `--control`: neither. What a killed engine has not sent is lost. A message that is "
		       "processed again after that begins its firing again, with the same id if the engine has the same name.");
	help_page_text(page, "The command of an action `rollback`: once for each id. The keeper decides a command once, however "
			     "often it comes.");
	help_page_text(page, "A firing that begins and ends between two looks of the keeper has both notices. Two firings of a "
			     "group between two looks are one, with the id of the first. Silenced firings, groups beyond the "
			     "limit, and notices that a receiver refuses or does not take for a day have none.");
}

static void notices_print(struct help_page *page)
{
	help_page_heading(page, 2, "Notices");
	help_page_text(page,
		       "A webhook posts JSON with these values, or the action's `template`, in which {{name}} stands for "
		       "them: a text without its quotes, escaped as in JSON, and anything else as JSON. The Content-Type is "
		       "application/json. The header Idempotency-Key has the notice's id. With `secret`, X-Sluice-Signature has "
		       "`sha256=` and the HMAC of the body in hexadecimal.");
	for (const struct notice_row *row = notice_rows; row->name; row++)
		help_page_item(page, 0, row->help, "%s", row->name);
	help_page_text(
		page,
		"`format` posts the body of a service instead. slack: a text for an incoming webhook. pagerduty: an event of its "
		"Events API v2, with `secret` as the routing key (Integration Key of an integration Events API V2 of a service) "
		"and the id of the firing as dedup_key, to the url https://events.pagerduty.com/v2/enqueue; the notice of the end "
		"resolves it. alertmanager: an alert for its /api/v2/alerts, which ends there after a day if no notice of the end "
		"comes; that of `sluice alerts test` has the label test=\"true\", and ends there after five minutes.");
	help_page_text(
		page, "An action of type `rollback` ends the rollout of its `experiment` when the alert fires: the keeper gets the "
		      "same command as from `sluice experiments rollback`, once for each firing, with the alert as its author. So "
		      "a low `estimated_accuracy` rolls a candidate back before any truth comes. If the alert and the step `drift` "
		      "have `groupBy: variant`, each candidate is judged by itself, and the group of the experiment's default "
		      "rolls nothing back. It needs engines that run with --control. Neither a silenced alert nor `sluice alerts "
		      "test` rolls anything back.");
	help_page_text(
		page,
		"An action of type `topic` writes the same as a record of the schema `alert` (`sluice schema alert`), with "
		"times in milliseconds, to the pipeline's topic `alerts`. Its key is the alert's name. Kafka is its "
		"receiver: a notice waits until Kafka acknowledges it. One that is larger than the topic accepts is given up.");
	help_page_text(
		page,
		"Notices for one address are sent in their order, at least once, and those for others meanwhile: up to three "
		"webhooks that do not answer for 10 s delay no other, and a mail server that does not answer for 30 s delays mails "
		"alone. After no answer, one that is not HTTP, or 408, 425, 429 and 5xx, a notice is sent again after 1 s, 2 s, "
		"and so on to 30 s, for a day. If a Retry-After asks for a longer pause, the pause is that long, but 10 minutes at "
		"most. After any other status the notice is given up. At most 1,000 notices wait for a receiver, and 4,000 in all "
		"for webhooks, as many for mails, and as many for topics and rollbacks: none of these waits for another. Further "
		"ones are sent when there is room: a firing that has ended meanwhile has no notice. A recipient of a mail for "
		"whom 1,000 wait is left out of it: the others get it, and the notice counts as failed. An engine that is "
		"asked to end sends those that are due, for 2 s. With `--control`, the next keeper "
		"sends those that still wait, also after a kill. Without, they are lost. The last lines of the log name the "
		"receivers, with how many notices each did not get and what becomes of them.");
	help_page_text(page,
		       "While a receiver takes no notice, the log says so at the first attempt and then every five minutes, "
		       "with the cause and since when; `sluice top` and `sluice alerts list` show it, and /metrics has "
		       "sluice_alert_receiver_failing_seconds. sluice_alert_receiver_oldest_notice_seconds also grows where "
		       "a receiver takes notices more slowly than they come: a Prometheus that sends its own alerts by "
		       "another way can watch it. The log has 10 lines on a receiver in five minutes. One that refuses many "
		       "notices, or takes one and refuses the next, would have a line for each: further lines are "
		       "of the level debug, and counted in a line after that time.");
	help_page_text(page, "Webhooks reach public addresses only, also after a redirection, and those that --alert-allow "
			     "lists. They use no proxy. Mails go to the server that --smtp names. It answers for each recipient: "
			     "after 4xx a mail is sent to that recipient again, and after 5xx it is given up for that recipient.");
}

static void moves_print(struct help_page *page)
{
	help_page_heading(page, 2, "Moves of rollouts");
	help_page_text(page,
		       "The `actions` of an Experiment get a notice of each move of its rollout: its start, the next stage, a "
		       "pause, an inconclusive end, a promotion, a rollback. The keeper sends them, by the same rules. Only "
		       "engines that run with `--control` have a keeper.");
	help_page_text(page,
		       "A webhook gets JSON: id, namespace, experiment, number (of the move, from 1, without a gap), sentence, "
		       "author and reason (of a command, as its sender states them), keeper, at, and move: the state before and "
		       "after it, and the result of each rule. The header Idempotency-Key has the id. An action of type `topic` "
		       "writes the record of the move (`sluice schema move`) to the topic `moves` of the pipeline of the "
		       "experiment's name. Its key is the experiment's name.");
	help_page_text(page,
		       "The notice of a move is sent at least once. A new keeper sends those of the last day again: notices with "
		       "the same id, and records of the same experiment, number and time, are one move. A notice of more than 64 "
		       "KiB is sent without its evidence.");
}

static void confirms_print(struct help_page *page)
{
	help_page_heading(page, 2, "Confirmations of rollouts");
	help_page_text(page,
		       "A stage with `confirm`, or a `promotionPolicy` with it, ends only when its webhook confirms. When all "
		       "rules hold, the stage is paused, and the keeper posts the notice of that move, with the same id, to the "
		       "webhook. Any status 2xx confirms. After no answer, or 408, 425, 429 and 5xx, the keeper calls it again "
		       "each second, for `confirmTimeout` (1m). If it does not confirm in that time, the stage is rejected. Any "
		       "other status rejects it at once.");
	help_page_text(page,
		       "After a rejection the stage stays as it is, and the webhook is not called again: `sluice experiments "
		       "promote` approves it, and `rollback` ends it. Meanwhile a broken rule still rolls back. Confirmations and "
		       "rejections are moves, with their reason, in `sluice experiments history`. A keeper that takes over calls "
		       "the webhook again, with the whole timeout. At most 8 webhooks are called at a time.");
}

static void alerts_print(struct help_page *page)
{
	help_page_heading(page, 1, "Alerts");
	help_page_text(page,
		       "A pipeline's `alerts` are conditions, and the receivers of notices when a condition begins or ceases to "
		       "hold. `sluice run` and `sluice dev` check them.");
	figures_print(page);
	states_print(page);
	guarantees_print(page);
	notices_print(page);
	moves_print(page);
	confirms_print(page);
}

static void alerts_visit(struct help_visit *visit)
{
	for (const struct alert_value_row *row = alert_value_rows; row->name; row++)
		help_see(visit, row->name, "conditions of alerts", row->help, row);
	for (const struct notice_row *row = notice_rows; row->name; row++)
		help_see(visit, row->name, "notices of alerts", row->help, row);
}

static void alerts_print_entry(struct help_page *page, const struct help_entry *entry)
{
	help_page_item(page, 0, entry->text, "%s (%s)", entry->name, entry->where);
}

const struct help_topic topic_alerts = {
	.name = "alerts",
	.one = "value",
	.summary = "Figures that conditions of alerts use, the states of alerts, and their notices.",
	.print = alerts_print,
	.visit = alerts_visit,
	.print_entry = alerts_print_entry,
};
