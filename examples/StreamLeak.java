import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;

/**
 * Models the leak that every Java program of the JDK 8 era had somewhere: streams that are opened and never closed, and
 * whose descriptors only come back when a collection happens to find them.
 *
 * <p>Up to JDK 9 {@code FileInputStream} and {@code FileOutputStream} have a {@code finalize()} and are registered,
 * each one, closed or not. Later JDKs clean them up in another way (JDK 10 gave {@code finalize()} an empty body, so that
 * the VM registers none; JDK 12 took it away; a {@code Cleaner} does the work), which is no finalization and does not
 * show here. So the program also opens {@link Journal}s, a class of the application's own written in the old manner;
 * those are registered on every JDK.
 *
 * <p>What finwatch shows: {@code registered} of {@code StreamLeak$Journal}, and on JDK 8 of
 * {@code java.io.FileInputStream} and {@code java.io.FileOutputStream}, climbs as long as no collection comes, and so do
 * the open descriptors that the program prints; the heap is nearly empty, so none comes. After {@code System.gc()}
 * the streams are enqueued and finalized within a moment, and the descriptors are free again.
 *
 * <p>Usage: {@code StreamLeak [ROUNDS [STREAMS_PER_SECOND [SECONDS_PER_ROUND]]]}, default 3 40 4: opens
 * STREAMS_PER_SECOND of each of the three kinds every second; each round ends with one {@code System.gc()}. Prints
 * READY before the first stream and DONE at the end.
 */
public final class StreamLeak {
    private StreamLeak() {}

    /** A file with a safety net, as one wrote it in the days of JDK 8. */
    private static final class Journal {
        private final RandomAccessFile file;

        Journal(File path) throws IOException {
            file = new RandomAccessFile(path, "rw");
        }

        void append(int b) throws IOException {
            file.write(b);
        }

        void close() throws IOException {
            file.close();
        }

        @Override
        protected void finalize() throws IOException {
            close();
        }
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 3;
        int perSecond = args.length > 1 ? Integer.parseInt(args[1]) : 40;
        int secondsPerRound = args.length > 2 ? Integer.parseInt(args[2]) : 4;

        File scratch = File.createTempFile("stream-leak", null);
        scratch.deleteOnExit();
        System.out.println("READY: opens " + perSecond + " files/s of each kind and closes none; "
                + streamsOfThisJdk());
        for (int round = 0; round < rounds; round++) {
            leakFor(secondsPerRound, perSecond, scratch);
            System.out.println("descriptors open: " + openDescriptors() + "; now one System.gc()");
            System.gc();
            Thread.sleep(1000); // Both finalizers and Cleaners run on threads of their own.
            System.out.println("descriptors open: " + openDescriptors());
        }
        System.out.println("DONE: " + 3L * rounds * secondsPerRound * perSecond + " files opened, none closed");
    }

    private static void leakFor(int seconds, int perSecond, File scratch) throws IOException, InterruptedException {
        for (int second = 0; second < seconds; second++) {
            long secondEnds = System.nanoTime() + 1_000_000_000L;
            for (int i = 0; i < perSecond; i++) {
                new FileOutputStream(scratch, true).write(i);
                new FileInputStream(scratch).read();
                new Journal(scratch).append(i);
            }
            Thread.sleep(Math.max(0, (secondEnds - System.nanoTime()) / 1_000_000));
        }
    }

    private static String streamsOfThisJdk() {
        String version = System.getProperty("java.specification.version");
        return "JDK " + version + (version.equals("1.8") || version.equals("9")
                ? ": FileInputStream and FileOutputStream have a finalizer"
                : ": FileInputStream and FileOutputStream have a Cleaner, only StreamLeak$Journal has a finalizer");
    }

    /** The number of this process's file descriptors, or "unknown" where /proc cannot be read. */
    private static String openDescriptors() {
        String[] descriptors = new File("/proc/self/fd").list();
        return descriptors == null ? "unknown" : String.valueOf(descriptors.length);
    }
}
