import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;

/**
 * Four features of each key as a Kafka Streams program would have them: mean, deviation, least and
 * greatest over windows of 10 s, one answer for each request. Its windows tumble, which costs
 * less than the trailing ones that they are beside: a record is part of one, and none leaves it.
 * Requests and answers are Open Inference Protocol JSON. `closed`: one answer for each window instead, once
 * it has closed, 1 s after its end.
 *
 * <p>Windows BROKERS IN OUT GROUP each|closed [SETTING=VALUE]...
 */
public final class Windows {
	public static final class Tensor {
		public String name;
		public long[] shape = {1, 1};
		public String datatype = "FP64";
		public double[] data;
	}

	public static final class Request {
		public String id;
		public List<Tensor> inputs;
	}

	public static final class Answer {
		public String model_name = "";
		public String id;
		public List<Tensor> outputs;
	}

	/** What is kept of a window, and whose request came last. */
	private record Kept(String id, long count, double mean, double squares, double least, double greatest) {}

	private static final Serde<Kept> KEPT = Serdes.serdeFrom((topic, kept) -> {
		byte[] id = kept.id().getBytes(java.nio.charset.StandardCharsets.UTF_8);
		return ByteBuffer.allocate(40 + id.length).putLong(kept.count()).putDouble(kept.mean()).putDouble(kept.squares())
				.putDouble(kept.least()).putDouble(kept.greatest()).put(id).array();
	}, (topic, bytes) -> {
		if (bytes == null)
			return null;
		ByteBuffer from = ByteBuffer.wrap(bytes);
		return new Kept(new String(bytes, 40, bytes.length - 40, java.nio.charset.StandardCharsets.UTF_8), from.getLong(),
				from.getDouble(), from.getDouble(), from.getDouble(), from.getDouble());
	});

	private static final ObjectMapper JSON =
			new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);

	private Windows() {}

	private static Kept add(byte[] bytes, Kept before) {
		try {
			Request request = JSON.readValue(bytes, Request.class);
			double x = request.inputs.get(0).data[0];
			long count = before.count() + 1;
			double mean = before.mean() + (x - before.mean()) / count;
			return new Kept(request.id, count, mean, before.squares() + (x - before.mean()) * (x - mean),
					Math.min(x, before.least()), Math.max(x, before.greatest()));
		} catch (IOException wrong) {
			throw new UncheckedIOException(wrong);
		}
	}

	private static Tensor tensor(String name, double value) {
		Tensor tensor = new Tensor();
		tensor.name = name;
		tensor.data = new double[] {value};
		return tensor;
	}

	private static byte[] encode(Kept kept) {
		Answer answer = new Answer();
		answer.id = kept.id();
		double deviation = kept.count() > 1 ? Math.sqrt(kept.squares() / (kept.count() - 1)) : 0;
		answer.outputs = Arrays.asList(tensor("mean", kept.mean()), tensor("deviation", deviation),
				tensor("least", kept.least()), tensor("greatest", kept.greatest()));
		try {
			return JSON.writeValueAsBytes(answer);
		} catch (IOException wrong) {
			throw new UncheckedIOException(wrong);
		}
	}

	public static void main(String[] arguments) {
		Properties settings = new Properties();
		settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
		settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[3]);
		settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
		settings.put("auto.offset.reset", "earliest");
		for (int i = 5; i < arguments.length; i++) {
			String[] parts = arguments[i].split("=", 2);
			settings.put(parts[0], parts[1]);
		}
		boolean closed = arguments[4].equals("closed");
		TimeWindows windows = closed ? TimeWindows.ofSizeAndGrace(Duration.ofSeconds(10), Duration.ofSeconds(1))
				: TimeWindows.ofSizeWithNoGrace(Duration.ofSeconds(10));
		StreamsBuilder builder = new StreamsBuilder();
		KTable<Windowed<String>, Kept> table = builder.stream(arguments[1], Consumed.with(Serdes.String(), Serdes.ByteArray()))
				.groupByKey()
				.windowedBy(windows)
				.aggregate(() -> new Kept("", 0, 0, 0, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY),
						(key, bytes, kept) -> add(bytes, kept), Materialized.with(Serdes.String(), KEPT));
		if (closed)
			table = table.suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()));
		table.toStream((window, kept) -> window.key())
				.mapValues(Windows::encode)
				.to(arguments[2], Produced.with(Serdes.String(), Serdes.ByteArray()));
		KafkaStreams streams = new KafkaStreams(builder.build(), settings);
		Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
		streams.start();
	}
}
