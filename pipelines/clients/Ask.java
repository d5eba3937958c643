/** Asks pipeline hello through Kafka and prints the answer. Usage: java -cp 'JARS/*' Ask.java BROKERS REQUEST.json */
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class Ask {
    public static void main(String[] arguments) throws Exception {
        String brokers = arguments[0], topic = "sluice.default.pipeline.hello";
        byte[] id = UUID.randomUUID().toString().getBytes(); // an answer has the header x-request-id of its request
        var text = new StringDeserializer();
        try (var consumer = new KafkaConsumer<>(Map.of("bootstrap.servers", brokers, "isolation.level", "read_committed"), text, text);
             var producer = new KafkaProducer<>(Map.of("bootstrap.servers", brokers), new StringSerializer(), new StringSerializer())) {
            var ends = consumer.partitionsFor(topic + ".outputs").stream().map(p -> new TopicPartition(p.topic(), p.partition())).toList();
            consumer.assign(ends);
            consumer.endOffsets(ends).forEach(consumer::seek);
            var request = new ProducerRecord<String, String>(topic + ".inputs", Files.readString(Path.of(arguments[1])));
            request.headers().add("x-request-id", id);
            producer.send(request).get();
            for (long end = System.nanoTime() + 30_000_000_000L; System.nanoTime() < end; )
                for (var record : consumer.poll(Duration.ofSeconds(1))) {
                    var header = record.headers().lastHeader("x-request-id");
                    if (header != null && Arrays.equals(header.value(), id)) {
                        System.out.println(record.value());
                        return;
                    }
                }
            System.out.println("no answer within 30 s");
        }
    }
}
