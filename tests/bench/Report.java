import java.util.Arrays;

/** What a benchmark program tells the runner: one line per figure on standard output, {@code bench NAME VALUE}. */
final class Report {
    private Report() {}

    static void value(String name, double value) {
        System.out.println("bench " + name + " " + value);
    }

    /**
     * The least and the median of repetitions, and the mean of their second half, when the JVM has warmed up. The least is the
     * steadiest where all repetitions do the same; where a collection falls into some of them, the mean leaves none out.
     */
    static void repetitions(String name, double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        value(name, sorted[0]);
        value(name + "_median", sorted[sorted.length / 2]);
        value(name + "_mean", Arrays.stream(values, values.length / 2, values.length).average().getAsDouble());
    }
}
