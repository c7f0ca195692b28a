import java.util.Arrays;

/** What a benchmark program tells the runner: one line per figure on standard output, {@code bench NAME VALUE}. */
final class Report {
    private Report() {}

    static void value(String name, double value) {
        System.out.println("bench " + name + " " + value);
    }

    /** The least and the median of repetitions: the least is the steadiest, the median shows what the least leaves out. */
    static void repetitions(String name, double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        value(name, sorted[0]);
        value(name + "_median", sorted[sorted.length / 2]);
    }
}
