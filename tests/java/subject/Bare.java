package subject;

/** Needs nothing beyond java.base: for runtimes that have no more. Answers a "go" on standard input, then leaves. */
public final class Bare {
    private Bare() {
    }

    public static void main(String[] arguments) throws Exception {
        Object[] kept = new Object[Integer.parseInt(arguments[0])];
        for (int i = 0; i < kept.length; i++) {
            kept[i] = new Plain();
        }
        System.gc();
        System.out.println("@{\"made\":" + kept.length + "}");
        while (System.in.read() > 0) {
            System.out.println("@{\"kept\":" + kept.length + "}");
        }
    }
}
