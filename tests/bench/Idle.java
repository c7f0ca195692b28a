import java.io.IOException;

/**
 * A program at rest: collects, says {@code ready}, and waits until its standard input ends. Every line that it reads asks
 * for a collection, answered by {@code ready} when it is done.
 */
public final class Idle {
    private Idle() {}

    public static void main(String[] args) throws IOException {
        int next;
        do {
            System.gc();
            System.out.println("ready");
            next = System.in.read();
        } while (next >= 0);
    }
}
