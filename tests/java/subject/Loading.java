package subject;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.reflect.Constructor;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.security.CodeSource;
import java.security.ProtectionDomain;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Commands about loaders: one name in many of them, many names in one, and unloading. */
final class Loading {
    private static final List<Object> OBJECTS = new ArrayList<>();
    /** Phantoms: a weak reference to a class is cleared before its last objects are finalized. */
    private static final List<Reference<Class<?>>> CLASSES = new ArrayList<>();
    private static final ReferenceQueue<Class<?>> GONE = new ReferenceQueue<>();
    private static volatile boolean churning;
    private static Thread churn;
    private static volatile long churned;

    private Loading() {
    }

    static void commands(Map<String, Driver.Command> commands) {
        commands.put("loaders", a -> loaders(Integer.parseInt(a[0])));
        commands.put("manyclasses", a -> manyClasses(Integer.parseInt(a[0])));
        commands.put("unload", a -> unload());
        commands.put("redeploy", a -> redeploy(Integer.parseInt(a[0]), Integer.parseInt(a[1])));
        commands.put("outdated", a -> outdated(Integer.parseInt(a[0])));
        commands.put("churn", a -> churn());
        commands.put("calm", a -> calm());
    }

    /** Defines its classes itself, from bytes in the hand, each with the code source that it was given. */
    private static final class Loader extends ClassLoader {
        private final ProtectionDomain domain;

        Loader(String source) throws Exception {
            super(Loading.class.getClassLoader());
            domain = new ProtectionDomain(new CodeSource(new URL(source), (Certificate[]) null), null);
        }

        Class<?> define(String name, byte[] bytes) {
            return defineClass(name, bytes, 0, bytes.length, domain);
        }
    }

    /** {@code subject.Isolated} in that many loaders; loader k (from 0), loaded from file:/isolated/k.jar, makes k % 3 + 1 objects. */
    private static Json loaders(int count) throws Exception {
        byte[] bytes = bytes("Isolated");
        for (int k = 0; k < count; k++) {
            make(new Loader("file:/isolated/" + k + ".jar").define("subject.Isolated", bytes), k % 3 + 1);
        }
        return LoadedTally.TALLY.json();
    }

    /** That many classes in one loader, one object of each. */
    private static Json manyClasses(int count) throws Exception {
        Loader loader = new Loader("file:/generated.jar");
        for (int k = 0; k < count; k++) {
            make(loader.define(generatedName(k), generated(k)), 1);
        }
        return LoadedTally.TALLY.json();
    }

    private static void make(Class<?> type, int count) throws Exception {
        CLASSES.add(new PhantomReference<Class<?>>(type, GONE));
        for (int i = 0; i < count; i++) {
            OBJECTS.add(type.getDeclaredConstructor().newInstance());
            LoadedTally.TALLY.made.incrementAndGet();
        }
    }

    private static String generatedName(int k) {
        return String.format("subject.Generated%05d", k);
    }

    private static byte[] generated(int k) throws Exception {
        String latin = new String(bytes("Generated00000"), StandardCharsets.ISO_8859_1);
        return latin.replace("Generated00000", String.format("Generated%05d", k)).getBytes(StandardCharsets.ISO_8859_1);
    }

    private static byte[] bytes(String simpleName) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (InputStream input = Loading.class.getResourceAsStream(simpleName + ".class")) {
            byte[] buffer = new byte[4096];
            for (int n; (n = input.read(buffer)) > 0; ) {
                bytes.write(buffer, 0, n);
            }
        }
        return bytes.toByteArray();
    }

    /** Lets go of all of them and collects until the classes are gone, and their objects before them. */
    private static Json unload() throws Exception {
        OBJECTS.clear();
        int all = CLASSES.size();
        for (int round = 0; round < 300 && !CLASSES.isEmpty(); round++) {
            System.gc();
            for (Reference<?> gone = GONE.remove(20); gone != null; gone = GONE.poll()) {
                gone.clear();
                CLASSES.remove(gone);
            }
        }
        System.gc();
        Json answer = LoadedTally.TALLY.json().with("unloaded", all - CLASSES.size());
        return CLASSES.isEmpty() ? answer : answer.with("error", CLASSES.size() + " classes stay loaded");
    }

    /**
     * So many times over: loads that many classes in a loader of their own, makes an object of the last, and forgets
     * all of it. The objects are finalized before the next classes come.
     */
    private static Json redeploy(int count, int rounds) throws Exception {
        for (int round = 0; round < rounds; round++) {
            deploy(count);
            System.gc();
            System.runFinalization();
        }
        return new Json().with("made", rounds);
    }

    private static void deploy(int count) throws Exception {
        Loader loader = new Loader("file:/application.jar");
        Class<?> type = null;
        for (int k = 0; k < count; k++) {
            type = loader.define(generatedName(k), generated(k));
        }
        type.getDeclaredConstructor().newInstance();
    }

    /**
     * Loaders of a class that was in use, and as many of one that still is: how many of the first go while a thread makes
     * objects of the second all the time.
     */
    private static Json outdated(int count) throws Exception {
        // Other classes between them, so that nothing about where they lie is regular.
        Random others = new Random(42);
        List<Constructor<?>> old = deploy(count, others);
        List<Constructor<?>> current = deploy(count, others);
        ReferenceQueue<Class<?>> gone = new ReferenceQueue<>();
        List<Reference<Class<?>>> outdated = new ArrayList<>();
        for (Constructor<?> constructor : old) {
            outdated.add(new PhantomReference<Class<?>>(constructor.getDeclaringClass(), gone));
        }
        churning = true;
        churn = new Thread(() -> {
            try {
                while (churning) {
                    for (Constructor<?> constructor : current) {
                        constructor.newInstance();
                        churned++;
                    }
                    Thread.sleep(0, 200_000);
                }
            } catch (Exception e) {
                e.printStackTrace();
            }
        }, "busy");
        churn.start();
        // Until what it does is compiled.
        while (churned < 100_000 && churn.isAlive()) {
            Thread.sleep(1);
        }
        old.clear();
        for (int round = 0; round < 100 && !outdated.isEmpty(); round++) {
            System.gc();
            for (Reference<?> each = gone.remove(100); each != null; each = gone.poll()) {
                each.clear();
                outdated.remove(each);
            }
        }
        churning = false;
        churn.join();
        Json answer = new Json().with("unloaded", count - outdated.size());
        return outdated.isEmpty() ? answer : answer.with("error", outdated.size() + " classes stay loaded");
    }

    private static List<Constructor<?>> deploy(int count, Random others) throws Exception {
        byte[] bytes = bytes("Isolated");
        List<Constructor<?>> constructors = new ArrayList<>();
        for (int k = 0; k < count; k++) {
            Loader loader = new Loader("file:/deployed/" + k + ".jar");
            for (int other = others.nextInt(12); other > 0; other--) {
                Class.forName(loader.define(generatedName(other), generated(other)).getName(), true, loader);
            }
            Constructor<?> constructor = loader.define("subject.Isolated", bytes).getDeclaredConstructor();
            constructor.newInstance();
            constructors.add(constructor);
        }
        return constructors;
    }

    /** Until {@code calm}: a thread that loads classes, makes an object of each and forgets both. */
    private static Json churn() {
        churning = true;
        churn = new Thread(() -> {
            try {
                byte[] bytes = bytes("Isolated");
                while (churning) {
                    new Loader("file:/churn.jar").define("subject.Isolated", bytes).getDeclaredConstructor().newInstance();
                    LoadedTally.TALLY.made.incrementAndGet();
                    churned++;
                }
            } catch (Exception e) {
                e.printStackTrace();
            }
        }, "churn");
        churn.start();
        return new Json().with("churning", 1);
    }

    private static Json calm() throws Exception {
        while (churned < 20 && churn.isAlive()) {
            Thread.yield();
        }
        churning = false;
        churn.join();
        return LoadedTally.TALLY.json().with("churned", churned);
    }
}
