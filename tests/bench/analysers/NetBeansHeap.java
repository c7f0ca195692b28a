import java.io.File;
import java.util.Arrays;
import org.netbeans.lib.profiler.heap.Heap;
import org.netbeans.lib.profiler.heap.HeapFactory;
import org.netbeans.lib.profiler.heap.JavaClass;

/**
 * Asks the heap library of the NetBeans profiler, which VisualVM's comes from, for the objects of each class and for
 * what the instances of some classes keep alive.
 *
 * <p>It tells that only in bytes, as the sum over the instances that no other instance of the class dominates, so what
 * several of them hold together is not in it.
 *
 * <p>Usage: {@code NetBeansHeap SECONDS FILE.hprof CLASS...}. Prints {@code heap OBJECTS BYTES}, then {@code CLASS
 * BYTES} for each class, or {@code unfinished SECONDS} when there is no such answer after that time.
 */
public final class NetBeansHeap {
    private NetBeansHeap() {}

    public static void main(String[] arguments) throws Exception {
        giveUpAfter(Integer.parseInt(arguments[0]));
        Heap heap = HeapFactory.createHeap(new File(arguments[1]));
        long objects = 0;
        long bytes = 0;
        for (Object each : heap.getAllClasses()) {
            JavaClass counted = (JavaClass) each;
            objects += counted.getInstancesCount();
            bytes += counted.getInstancesCount() == 0 ? 0 : counted.getAllInstancesSize();
        }
        System.out.println("heap " + objects + " " + bytes);
        for (String name : Arrays.copyOfRange(arguments, 2, arguments.length)) {
            System.out.println(name + " " + heap.getJavaClassByName(name).getRetainedSizeByClass());
        }
    }

    private static void giveUpAfter(int seconds) {
        Thread watch = new Thread(() -> {
            try {
                Thread.sleep(1000L * seconds);
            } catch (InterruptedException nobodyDoes) {
                return;
            }
            System.out.println("unfinished " + seconds);
            Runtime.getRuntime().halt(0);
        });
        watch.setDaemon(true);
        watch.start();
    }
}
