package subject;

/** Prints what it is told to, on both streams, and leaves with the status that it is told to: a program with a known output. */
public final class Talker {
    private Talker() {
    }

    public static void main(String[] arguments) {
        int lines = Integer.parseInt(arguments[0]);
        for (int i = 0; i < lines; i++) {
            System.out.println("out " + i);
            System.err.println("err " + i);
            new Plain();
            if (i % 100 == 0) {
                System.gc();
            }
        }
        System.exit(Integer.parseInt(arguments[1]));
    }
}
