import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;

/**
 * CPU time of all threads of this process, native ones included, in nanoseconds.
 *
 * <p>Linux keeps it per thread in {@code /proc/self/task/TID/schedstat}, first field, to the nanosecond;
 * {@code OperatingSystemMXBean.getProcessCpuTime} counts in steps of 10 ms. {@code RandomAccessFile} because
 * {@code FileInputStream} is finalizable on JDK 8 and would be counted among the objects that are measured.
 * Threads that have ended are missing, so difference two readings only where threads stay.
 */
final class CpuClock {
    private CpuClock() {}

    static long processNanos() throws IOException {
        long sum = 0;
        for (String thread : new File("/proc/self/task").list()) {
            sum += threadNanos(thread);
        }
        return sum;
    }

    private static long threadNanos(String thread) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile("/proc/self/task/" + thread + "/schedstat", "r")) {
            String line = file.readLine();
            return Long.parseLong(line.substring(0, line.indexOf(' ')));
        } catch (java.io.FileNotFoundException threadHasEnded) {
            return 0;
        }
    }
}
