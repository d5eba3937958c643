import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;

/**
 * The four steps of race.yaml as a Kafka Streams program would have them: scale, append the
 * mean, count what is above a threshold, select. Requests and answers are Open Inference Protocol JSON.
 *
 * <p>FixedSteps BROKERS IN OUT GROUP [SETTING=VALUE]...
 */
public final class FixedSteps {
	public static final class Tensor {
		public String name;
		public long[] shape;
		public String datatype;
		public Object data;
	}

	public static final class FloatTensor {
		public String name;
		public long[] shape;
		public String datatype;
		public float[] data;
	}

	public static final class Request {
		public String id;
		public List<FloatTensor> inputs;
	}

	public static final class Answer {
		public String model_name = "";
		public String id;
		public List<Tensor> outputs;
	}

	/** What goes from step to step. */
	private record Values(String id, float[] x, float mean, long above) {}

	private static final ObjectMapper JSON =
			new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);

	private FixedSteps() {}

	private static Values decode(byte[] bytes) {
		try {
			Request request = JSON.readValue(bytes, Request.class);
			return new Values(request.id, request.inputs.get(0).data, 0, 0);
		} catch (IOException wrong) {
			throw new UncheckedIOException(wrong);
		}
	}

	private static Values scale(Values values) {
		float[] scaled = values.x().clone();
		for (int i = 0; i < scaled.length; i++)
			scaled[i] = scaled[i] * 0.5f;
		return new Values(values.id(), scaled, 0, 0);
	}

	private static Values append(Values values) {
		double sum = 0;
		for (float element : values.x())
			sum += element;
		return new Values(values.id(), values.x(), (float) (sum / values.x().length), 0);
	}

	private static Values threshold(Values values) {
		long above = 0;
		for (float element : values.x())
			above += element > 0.25f ? 1 : 0;
		return new Values(values.id(), values.x(), values.mean(), above);
	}

	private static Tensor tensor(String name, String datatype, Object data, long... shape) {
		Tensor tensor = new Tensor();
		tensor.name = name;
		tensor.datatype = datatype;
		tensor.shape = shape;
		tensor.data = data;
		return tensor;
	}

	private static byte[] encode(Values values) {
		Answer answer = new Answer();
		answer.id = values.id();
		answer.outputs = Arrays.asList(tensor("mean", "FP32", new float[] {values.mean()}),
				tensor("above", "INT64", new long[] {values.above()}));
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
		settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
		settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
		settings.put("auto.offset.reset", "earliest");
		for (int i = 4; i < arguments.length; i++) {
			String[] parts = arguments[i].split("=", 2);
			settings.put(parts[0], parts[1]);
		}
		StreamsBuilder builder = new StreamsBuilder();
		builder.<byte[], byte[]>stream(arguments[1])
				.mapValues(FixedSteps::decode)
				.mapValues(FixedSteps::scale)
				.mapValues(FixedSteps::append)
				.mapValues(FixedSteps::threshold)
				.mapValues(FixedSteps::encode)
				.to(arguments[2]);
		KafkaStreams streams = new KafkaStreams(builder.build(), settings);
		Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
		streams.start();
	}
}
