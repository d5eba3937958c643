import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.Comparator;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.typeutils.TupleTypeInfo;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.datastream.AsyncDataStream;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.async.ResultFuture;
import org.apache.flink.streaming.api.functions.async.RichAsyncFunction;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The call of call.yaml as a Flink program makes it: asynchronous calls whose results keep the order of
 * their requests. The bytes of a request go to the model as they are, and those of the reply to Kafka.
 * Job manager and task manager are in this one process. It goes on from the newest checkpoint in FOLDER.
 *
 * <p>CallFlink BROKERS IN OUT GROUP URL at-least-once|exactly-once CHECKPOINT_MS BUFFER_MS FOLDER [PRODUCER_SETTING=VALUE]...
 */
public final class CallFlink {
	private static final int PARALLELISM = 2; // a slot for each core, as its pages advise
	private static final int IN_FLIGHT = 100; // of each subtask: the capacity in its pages' example
	private static final int TIMEOUT_S = 30;

	private CallFlink() {}

	/** The bytes of a record: key and value. */
	private static final TypeInformation<Tuple2<byte[], byte[]>> BYTES = new TupleTypeInfo<>(
			PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);

	private static final class Read implements KafkaRecordDeserializationSchema<Tuple2<byte[], byte[]>> {
		@Override
		public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Tuple2<byte[], byte[]>> out) {
			out.collect(Tuple2.of(record.key(), record.value()));
		}

		@Override
		public TypeInformation<Tuple2<byte[], byte[]>> getProducedType() {
			return BYTES;
		}
	}

	private static final class Call extends RichAsyncFunction<Tuple2<byte[], byte[]>, Tuple2<byte[], byte[]>> {
		private final String url;
		private transient URI model;
		private transient HttpClient client;

		Call(String url) {
			this.url = url;
		}

		@Override
		public void open(OpenContext context) {
			model = URI.create(url);
			client = HttpClient.newBuilder()
					.version(HttpClient.Version.HTTP_1_1)
					.executor(Runnable::run) // as its pages advise: the callback does little
					.build();
		}

		@Override
		public void asyncInvoke(Tuple2<byte[], byte[]> record, ResultFuture<Tuple2<byte[], byte[]>> result) {
			HttpRequest request = HttpRequest.newBuilder(model)
					.header("Content-Type", "application/json")
					.POST(HttpRequest.BodyPublishers.ofByteArray(record.f1))
					.build();
			client.sendAsync(request, HttpResponse.BodyHandlers.ofByteArray()).whenComplete((reply, wrong) -> {
				if (wrong != null)
					result.completeExceptionally(wrong);
				else if (reply.statusCode() != 200)
					result.completeExceptionally(new IOException("the model answers " + reply.statusCode()));
				else
					result.complete(Collections.singleton(Tuple2.of(record.f0, reply.body())));
			});
		}
	}

	private static final class Write implements KafkaRecordSerializationSchema<Tuple2<byte[], byte[]>> {
		private final String topic;

		Write(String topic) {
			this.topic = topic;
		}

		@Override
		public ProducerRecord<byte[], byte[]> serialize(Tuple2<byte[], byte[]> answer, KafkaSinkContext context, Long time) {
			return new ProducerRecord<>(topic, answer.f0, answer.f1);
		}
	}

	/** The newest whole checkpoint: FOLDER/JOB/chk-N with its _metadata. */
	private static Optional<Path> newest(Path folder) throws IOException {
		try (Stream<Path> files = Files.walk(folder, 3)) {
			return files.filter(file -> file.endsWith("_metadata"))
					.max(Comparator.comparingLong(file -> file.toFile().lastModified()))
					.map(Path::getParent);
		}
	}

	private static Configuration configure(Path folder) throws IOException {
		Configuration configuration = new Configuration();
		configuration.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
		configuration.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, folder.toUri().toString());
		configuration.set(CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
				ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
		newest(folder).ifPresent(last -> {
			System.err.println("goes on from " + last);
			configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, last.toUri().toString());
		});
		return configuration;
	}

	public static void main(String[] arguments) throws Exception {
		boolean once = arguments[5].equals("exactly-once");
		Path folder = Files.createDirectories(Path.of(arguments[8]));
		StreamExecutionEnvironment environment =
				StreamExecutionEnvironment.createLocalEnvironment(PARALLELISM, configure(folder));
		environment.enableCheckpointing(Long.parseLong(arguments[6]));
		environment.setBufferTimeout(Long.parseLong(arguments[7]));
		KafkaSource<Tuple2<byte[], byte[]>> source = KafkaSource.<Tuple2<byte[], byte[]>>builder()
				.setBootstrapServers(arguments[0])
				.setTopics(arguments[1])
				.setGroupId(arguments[3])
				.setStartingOffsets(OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST))
				.setDeserializer(new Read())
				.build();
		var sink = KafkaSink.<Tuple2<byte[], byte[]>>builder()
				.setBootstrapServers(arguments[0])
				.setRecordSerializer(new Write(arguments[2]))
				.setDeliveryGuarantee(once ? DeliveryGuarantee.EXACTLY_ONCE : DeliveryGuarantee.AT_LEAST_ONCE)
				.setTransactionalIdPrefix(arguments[3])
				.setProperty("transaction.timeout.ms", String.valueOf(Duration.ofMinutes(10).toMillis()));
		for (int i = 9; i < arguments.length; i++) {
			String[] parts = arguments[i].split("=", 2);
			sink.setProperty(parts[0], parts[1]);
		}
		DataStream<Tuple2<byte[], byte[]>> requests =
				environment.fromSource(source, WatermarkStrategy.noWatermarks(), "requests").uid("requests");
		AsyncDataStream.orderedWait(requests, new Call(arguments[4]), TIMEOUT_S, TimeUnit.SECONDS, IN_FLIGHT)
				.returns(BYTES)
				.uid("call")
				.sinkTo(sink.build())
				.uid("answers");
		environment.execute(arguments[3]);
	}
}
