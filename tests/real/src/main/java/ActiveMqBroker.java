import javax.jms.Connection;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Queue;
import javax.jms.Session;

import org.apache.activemq.ActiveMQConnectionFactory;
import org.apache.activemq.broker.BrokerService;

/** A broker of ActiveMQ's, and clients that connect anew for each 200 messages. Arguments: {@code SECONDS}. */
public final class ActiveMqBroker {
    private ActiveMqBroker() {}

    public static void main(String[] args) throws Exception {
        BrokerService broker = new BrokerService();
        broker.setPersistent(false);
        broker.setUseJmx(true);
        broker.addConnector("tcp://127.0.0.1:0");
        broker.start();
        String url = broker.getTransportConnectors().get(0).getConnectUri().toString();
        ActiveMQConnectionFactory factory = new ActiveMQConnectionFactory(url);
        Load.run(args[0], 4, () -> exchange(factory));
        broker.stop();
        System.exit(0);
    }

    private static void exchange(ActiveMQConnectionFactory factory) throws Exception {
        Connection connection = factory.createConnection();
        try {
            connection.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createTemporaryQueue();
            MessageProducer producer = session.createProducer(queue);
            MessageConsumer consumer = session.createConsumer(queue);
            for (int i = 0; i < 200; i++) {
                producer.send(session.createTextMessage("message " + i));
                consumer.receive(10_000);
            }
        } finally {
            connection.close();
        }
    }
}
