import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/**
 * The call of call.yaml as a Kafka Streams program makes it: one call at a time in each thread, since
 * Kafka Streams has no asynchronous step. The bytes of a request go to the model as they are, and those
 * of the reply to Kafka.
 *
 * <p>CallStreams BROKERS IN OUT GROUP URL [SETTING=VALUE]...
 */
public final class CallStreams {
	private CallStreams() {}

	/** By the blocking client, which costs a thread that waits less than the one for asynchronous calls; connections stay open. */
	private static byte[] call(URL model, byte[] body) {
		try {
			HttpURLConnection connection = (HttpURLConnection) model.openConnection();
			connection.setDoOutput(true);
			connection.setFixedLengthStreamingMode(body.length);
			connection.setRequestProperty("Content-Type", "application/json");
			try (OutputStream request = connection.getOutputStream()) {
				request.write(body);
			}
			try (InputStream reply = connection.getInputStream()) {
				return reply.readAllBytes();
			}
		} catch (IOException wrong) {
			throw new UncheckedIOException(wrong);
		}
	}

	public static void main(String[] arguments) throws IOException {
		Properties settings = new Properties();
		settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
		settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[3]);
		settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
		settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
		settings.put("auto.offset.reset", "earliest");
		for (int i = 5; i < arguments.length; i++) {
			String[] parts = arguments[i].split("=", 2);
			settings.put(parts[0], parts[1]);
		}
		URL model = URI.create(arguments[4]).toURL();
		StreamsBuilder builder = new StreamsBuilder();
		builder.<byte[], byte[]>stream(arguments[1]).mapValues(body -> call(model, body)).to(arguments[2]);
		KafkaStreams streams = new KafkaStreams(builder.build(), settings);
		streams.setUncaughtExceptionHandler(wrong -> StreamThreadExceptionResponse.REPLACE_THREAD);
		Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
		streams.start();
	}
}
