import java.io.File;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.Map;
import org.eclipse.mat.parser.internal.SnapshotFactory;
import org.eclipse.mat.snapshot.ISnapshot;
import org.eclipse.mat.snapshot.model.IClass;
import org.eclipse.mat.util.IProgressListener;
import org.eclipse.mat.util.VoidProgressListener;

/**
 * Asks the engine of Eclipse MAT what finwatch tells of a heap dump: the objects of each class, and what would go if the
 * instances of some classes went, all of them together with the Finalizers, and class by class.
 *
 * <p>Usage: {@code EclipseMat FILE.hprof CLASS...}. Prints {@code heap OBJECTS BYTES}, then {@code all OBJECTS BYTES},
 * then {@code CLASS OBJECTS BYTES} for each class.
 */
public final class EclipseMat {
    private static final IProgressListener SILENT = new VoidProgressListener();

    /** To MAT an object is garbage that only its Finalizer keeps, and left out. This makes it a root instead. */
    private static final Map<String, String> KEEP = Collections.singletonMap("keep_unreachable_objects", "true");

    private EclipseMat() {}

    public static void main(String[] arguments) throws Exception {
        File dump = new File(arguments[0]);
        String[] classes = Arrays.copyOfRange(arguments, 1, arguments.length);
        ISnapshot snapshot = new SnapshotFactory().openSnapshot(dump, KEEP, SILENT);
        histogram(snapshot);
        BitSet finalizable = new BitSet();
        for (String name : classes) {
            finalizable.or(instances(snapshot, name));
        }
        BitSet all = instances(snapshot, "java.lang.ref.Finalizer");
        all.or(finalizable);
        print(snapshot, "all", retained(snapshot, all));
        for (String name : classes) {
            BitSet instances = instances(snapshot, name);
            BitSet retained = retained(snapshot, finalizable);
            release(snapshot, retained, instances, finalizable);
            print(snapshot, name, retained);
        }
    }

    private static void histogram(ISnapshot snapshot) throws Exception {
        long objects = 0;
        for (IClass counted : snapshot.getClasses()) {
            objects += counted.getNumberOfObjects();
        }
        System.out.println("heap " + objects + " " + snapshot.getSnapshotInfo().getUsedHeapSize());
    }

    private static BitSet instances(ISnapshot snapshot, String name) throws Exception {
        BitSet ids = new BitSet();
        for (IClass found : snapshot.getClassesByName(name, false)) {
            Arrays.stream(found.getObjectIds()).forEach(ids::set);
        }
        return ids;
    }

    private static BitSet retained(ISnapshot snapshot, BitSet objects) throws Exception {
        BitSet retained = new BitSet();
        Arrays.stream(snapshot.getRetainedSet(objects.stream().toArray(), SILENT)).forEach(retained::set);
        return retained;
    }

    /**
     * Takes away what the finalizable objects of other classes hold. To MAT a Finalizer does not hold its object; to
     * finwatch it does, so that these stay when the instances go.
     */
    private static void release(ISnapshot snapshot, BitSet retained, BitSet instances, BitSet finalizable)
            throws Exception {
        BitSet others = (BitSet) finalizable.clone();
        others.andNot(instances);
        int[] stack = others.stream().toArray();
        int depth = stack.length;
        retained.andNot(others);
        while (depth > 0) {
            for (int held : snapshot.getOutboundReferentIds(stack[--depth])) {
                if (retained.get(held) && !instances.get(held)) {
                    retained.clear(held);
                    stack = depth == stack.length ? Arrays.copyOf(stack, 2 * depth) : stack;
                    stack[depth++] = held;
                }
            }
        }
    }

    private static void print(ISnapshot snapshot, String name, BitSet objects) throws Exception {
        System.out.println(name + " " + objects.cardinality() + " " + snapshot.getHeapSize(objects.stream().toArray()));
    }
}
