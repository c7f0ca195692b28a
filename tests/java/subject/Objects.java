package subject;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Commands that make finalizable objects in every way there is, hold them, and let go of them. */
final class Objects {
    private static final Map<String, List<Object>> HELD = new LinkedHashMap<>();

    private Objects() {
    }

    static void commands(Map<String, Driver.Command> commands) {
        commands.put("register", a -> register(a[0], Integer.parseInt(a[1])));
        commands.put("reflect", a -> reflect(Integer.parseInt(a[0])));
        commands.put("clone", a -> cloned(Integer.parseInt(a[0])));
        commands.put("deserialize", a -> deserialized(Integer.parseInt(a[0])));
        commands.put("unfinished", a -> unfinished(Integer.parseInt(a[0])));
        commands.put("unsafe", a -> unsafe(Integer.parseInt(a[0])));
        commands.put("virtual", a -> virtual(Integer.parseInt(a[0])));
        commands.put("threads", a -> threads(Integer.parseInt(a[0]), Integer.parseInt(a[1])));
        commands.put("drop", a -> drop(a.length == 0 ? null : a[0]));
        commands.put("counts", a -> Tally.of(a[0]).json());
    }

    /** Keeps an object until {@code drop}. Any thread. */
    static void hold(String name, Object object) {
        List<Object> list;
        synchronized (HELD) {
            list = HELD.get(name);
            if (list == null) {
                list = Collections.synchronizedList(new ArrayList<>());
                HELD.put(name, list);
            }
        }
        list.add(object);
        Tally.of(name).made.incrementAndGet();
    }

    private static Object make(String name) {
        switch (name) {
            case "subject.Plain": return new Plain();
            case "subject.Child": return new Child();
            case "subject.Silenced": return new Silenced();
            case "subject.Lookalike": return new Lookalike();
            case "subject.Throwing": return new Throwing();
            case "subject.Resurrected": return new Resurrected();
            case "subject.Slow": return new Slow();
            case "subject.Stuck": return new Stuck(null);
            case "subject.Virtual": return new Virtual();
            default: throw new IllegalArgumentException("no class '" + name + "' to make");
        }
    }

    private static Json register(String name, int count) {
        for (int i = 0; i < count; i++) {
            hold(name, make(name));
        }
        return Tally.of(name).json();
    }

    private static Json reflect(int count) throws Exception {
        Constructor<Reflected> constructor = Reflected.class.getDeclaredConstructor();
        for (int i = 0; i < count; i++) {
            hold("subject.Reflected", constructor.newInstance());
        }
        return Tally.of("subject.Reflected").json();
    }

    private static Json cloned(int count) throws Exception {
        Cloned original = new Cloned();
        hold("subject.Cloned", original);
        for (int i = 0; i < count; i++) {
            hold("subject.Cloned", original.copy());
        }
        return Tally.of("subject.Cloned").json();
    }

    private static Json deserialized(int count) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Stored original = new Stored();
        hold("subject.Stored", original);
        try (ObjectOutputStream output = new ObjectOutputStream(bytes)) {
            output.writeObject(original);
        }
        for (int i = 0; i < count; i++) {
            try (ObjectInputStream input = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
                hold("subject.Stored", input.readObject());
            }
        }
        return Tally.of("subject.Stored").json();
    }

    private static Json unfinished(int count) {
        for (int i = 0; i < count; i++) {
            try {
                new Unfinished();
            } catch (IllegalStateException expected) {
                Tally.of("subject.Unfinished").made.incrementAndGet();
            }
        }
        return Tally.of("subject.Unfinished").json();
    }

    /** Made with no constructor at all, so not registered: they must not be counted. */
    private static Json unsafe(int count) throws Exception {
        Class<?> type = Class.forName("sun.misc.Unsafe");
        Field field = type.getDeclaredField("theUnsafe");
        field.setAccessible(true);
        Object unsafe = field.get(null);
        for (int i = 0; i < count; i++) {
            hold("unsafe", type.getMethod("allocateInstance", Class.class).invoke(unsafe, Plain.class));
        }
        return Tally.of("unsafe").json();
    }

    private static Json virtual(int count) throws Exception {
        List<Thread> threads = new ArrayList<>();
        Runnable task = () -> hold("subject.Virtual", new Virtual());
        for (int i = 0; i < count; i++) {
            threads.add((Thread) Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, task));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        return Tally.of("subject.Virtual").json();
    }

    /** Many threads at once, each keeping half of what it makes. */
    private static Json threads(int threads, int each) throws Exception {
        List<Thread> started = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            Thread thread = new Thread(null, () -> keepHalf(each), "maker", 256 * 1024);
            started.add(thread);
            thread.start();
        }
        for (Thread thread : started) {
            thread.join();
        }
        return Tally.of("subject.Plain").json();
    }

    private static void keepHalf(int count) {
        for (int i = 0; i < count; i++) {
            Plain plain = new Plain();
            if (i % 2 == 0) {
                hold("subject.Plain", plain);
            } else {
                Tally.of("subject.Plain").made.incrementAndGet();
            }
        }
    }

    private static Json drop(String name) {
        synchronized (HELD) {
            if (name == null) {
                HELD.clear();
            } else {
                HELD.remove(name);
            }
        }
        return new Json().with("dropped", name);
    }
}
